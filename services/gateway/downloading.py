"""Calls whose answer is a file: it is forwarded as it arrives, never buffered as a whole."""

from aiohttp import web

from libs.upstreams import Downloaded
from libs.web import files
from services.gateway.routes import Route
from services.gateway.transcoder import Edge, Transcoder, identify, no_call, speak_for


class Downloader(Transcoder):
    """The handler of one such route. The merchant's slot is only held until the file begins."""

    def __init__(self, route: Route, download: Downloaded, edge: Edge) -> None:
        super().__init__(route, no_call, edge)
        self._download = download

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        caller = await identify(request, self._edge)
        self._allow(caller)
        fairness = self._edge.fairness
        with fairness.file(caller):
            message = await self._parse(request)
            speak_for(caller, "")
            async with fairness.slot(caller, reads_only=True):
                file = await self._download(message)
            return await files.send(request, file, self._quota_headers(request, caller))
