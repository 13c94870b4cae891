"""Calls whose body is a file: it is forwarded as it arrives, never buffered as a whole."""

from aiohttp import web
from google.protobuf.message import Message

from libs.upstreams import Upload
from libs.web import bodies
from services.gateway.routes import Route
from services.gateway.transcoder import Edge, Transcoder, no_call


class Uploader(Transcoder):
    """The handler of one such route. The merchant's slot is taken before the body is read."""

    def __init__(self, route: Route, upload: Upload, edge: Edge) -> None:
        super().__init__(route, no_call, edge)
        self._upload = upload
        self._most = route.rules.upload.max_bytes

    async def _asked(self, request: web.Request, message: Message, _: str) -> Message:
        return await self._upload(message, bodies.pieces(request, self._most))
