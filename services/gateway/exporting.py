"""Lists as files: the whole filtered list, fetched page by page from its service and streamed.

The list's own call serves both: JSON by the page, or a file if `Accept` names its format. An export
counts as one request, but each of its pages takes its turn among the merchant's reads.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from aiohttp import web
from google.protobuf.message import Message

from libs import deadlines, json_values, validation
from libs.downloads import Download
from libs.errors import (
    FieldViolation,
    InvalidArgument,
    PublishableKeyNotAllowed,
    ServiceUnavailable,
)
from libs.tables import writing
from libs.tables.model import Format, Table
from libs.upstreams import Call
from libs.web import files
from services.gateway.authentication import Identity
from services.gateway.errors import ExportTooLarge, TooManyAtOnce
from services.gateway.routes import Route
from services.gateway.rules import accepting, columns
from services.gateway.transcoder import Edge, Transcoder, identify, speak_for

MAX_ROWS_HEADER: Final = "Incasso-Export-Max-Rows"
OF_A_PAGE: Final = ("limit", "cursor")
TURN_SECONDS: Final = 0.5  # before a page tries again to get its turn


class Exporter(Transcoder):
    """The handler of one list's route."""

    def __init__(
        self, route: Route, call: Call, edge: Edge, *, max_rows: Mapping[Format, int]
    ) -> None:
        super().__init__(route, call, edge)
        data = route.rpc.output_type.fields_by_name["data"]
        self._element = json_values.message_of(data)
        columns.of_elements(self._element)  # raises at start-up if two columns clash
        self._name = route.list_name
        self._max_rows = max_rows

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        form = accepting.wanted(request.headers.getall("Accept", []))
        if form is None:
            return await super()._answer(request)
        caller = await identify(request, self._edge)
        if caller.publishable:
            raise PublishableKeyNotAllowed
        self._allow(caller)
        _refuse_pages(request)
        message = await self._parse(request)
        with self._edge.fairness.file(caller):
            speak_for(caller, "")
            try:
                async with asyncio.timeout(deadlines.DOWNLOAD):
                    return await self._sent(request, caller, message, form)
            except TimeoutError:
                raise ServiceUnavailable from None

    async def _sent(
        self, request: web.Request, caller: Identity, message: Message, form: Format
    ) -> web.StreamResponse:
        currency = getattr(message, "currency", "")
        sources = columns.of_elements(self._element, currency)
        table = Table(self._name, tuple(source.column for source in sources))
        rows = (
            [tuple([source.value(element) for source in sources]) for element in page]
            async for page in self._pages(request, caller, message, self._max_rows[form])
        )
        pieces = writing.write(table, form, rows)
        file = Download(f"{self._name}.{form.value}", form.media_type, pieces)
        headers = {
            **self._quota_headers(request, caller),
            MAX_ROWS_HEADER: str(self._max_rows[form]),
        }
        return await files.send(request, file, headers)

    async def _pages(
        self, request: web.Request, caller: Identity, message: Any, most: int
    ) -> AsyncIterator[Sequence[Message]]:
        """Raises ExportTooLarge, and ConnectionError if the caller has left."""
        limit = message.DESCRIPTOR.fields_by_name.get("limit")
        if limit is not None:
            message.limit = validation.rules_of(limit).maximum
        left = most
        page: Any = await self._page(caller, message)
        while True:
            left -= len(page.data)
            if left < 0:
                raise ExportTooLarge.of(most)
            yield page.data
            cursor = getattr(page, "next_cursor", "")
            if not cursor:
                return
            if files.left(request):
                raise ConnectionResetError
            message.cursor = cursor
            page = await self._next_page(caller, message)

    async def _page(self, caller: Identity, message: Message) -> Message:
        async with self._edge.fairness.slot(caller, reads_only=True):
            return await self._call(message, "")

    async def _next_page(self, caller: Identity, message: Message) -> Message:
        """Like `_page`, but waits for its turn however long it takes."""
        while True:
            try:
                return await self._page(caller, message)
            except TooManyAtOnce:
                await asyncio.sleep(TURN_SECONDS)


def _refuse_pages(request: web.Request) -> None:
    given = [name for name in OF_A_PAGE if name in request.query]
    if given:
        why = "applies to pages only; a file contains the whole list"
        raise InvalidArgument(violations=tuple(FieldViolation(name, why) for name in given))
