"""Statement files of banks and PSPs: previewed first, then imported."""

import asyncio
import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Final

from incasso.reporting.v1 import imports_pb2
from libs.clock import world_now
from libs.errors import Kind, Refusal, invalid
from libs.statements import reading
from libs.statements.model import Contents
from libs.statements.refusals import RefusedError
from libs.threads import Threads
from services.console.listing import rows
from services.console.page import Html, Page, See, get, post
from services.console.rules.carried import packed, unpacked
from services.console.visit import Visit

AREA: Final = "reconciliation"
MOST_OF_FILE: Final = 8 * 1024 * 1024
MOST_OF_FORM: Final = 6 * 1024 * 1024  # a compressed file, in base64
PSP_FORMATS: Final = ("stripe.", "paypal.")
SOON_SECONDS: Final = 2.0
INTERRUPTED_AFTER: Final = timedelta(minutes=2)  # longer than any of its steps takes
_READERS: Final = Threads(concurrency=1)


@dataclass(frozen=True, slots=True)
class Total:
    """The totals of one of the file's statements, in one currency."""

    account: str
    currency: str
    entries: int
    credits_minor: int
    debits_minor: int


async def listed(visit: Visit) -> Html:
    found = await rows(visit, imports_pb2.ListImportsRequest(), "imports")
    return Html("imports.html", {**found, "writes": visit.who.holds("reconciliation:write")})


async def one(visit: Visit) -> Html:
    """The result of an import."""
    wanted = imports_pb2.GetImportRequest(import_id=visit.part("import_id"))
    return Html("import.html", {"one": getattr(await visit.ask(wanted), "import")})


async def preview(visit: Visit) -> Html:
    """Shows the file's content. Nothing is imported yet."""
    if visit.file is None:
        raise invalid("file", visit.word("file_missing"))
    content = visit.file.content
    try:
        contents = await _READERS.run(reading.proven, lambda: io.BytesIO(content))
    except RefusedError as refusal:
        raise invalid("file", str(refusal)) from refusal
    if contents.format.name.startswith(PSP_FORMATS) and not visit.typed("psp_account"):
        raise invalid("psp_account", visit.word("psp_account_missing"))
    carried = packed(content)
    if len(carried) > MOST_OF_FORM:
        raise invalid("file", visit.word("file_too_large"))
    return Html(
        "import_preview.html",
        {
            "name": visit.file.name[:200],
            "contents": contents,
            "totals": totals_of(contents),
            "carried": carried,
            "account": visit.typed("psp_account"),
        },
    )


async def send(visit: Visit) -> See:
    """Imports the file that was previewed: all of it, or nothing. If that takes longer than a page
    should, it continues in the background, and the next page shows its progress.
    """
    content = unpacked(visit.typed("carried"), MOST_OF_FILE)
    if content is None:
        raise invalid("file", visit.word("file_missing"))
    request = imports_pb2.ImportStatementRequest(
        name=visit.typed("name") or None, psp_account=visit.typed("psp_account") or None
    )
    content_hash = hashlib.sha256(content).hexdigest()
    try:
        async with asyncio.timeout(SOON_SECONDS):
            answer = await visit.change(request, file=content)
    except TimeoutError:
        return See(f"/reconciliation/imports/under-way/{content_hash}")
    found = getattr(answer, "import")
    return See(f"/reconciliation/imports/{found.id}", notice="imported")


async def under_way(visit: Visit) -> Html:
    """The progress of an import, and finally its result."""
    content_hash = visit.part("content_hash")
    wanted = imports_pb2.GetImportProgressRequest(content_hash=content_hash)
    shown = {"content_hash": content_hash, "progress": None, "one": None, "live": False}
    try:
        progress = (await visit.ask(wanted)).progress
    except Refusal as refusal:
        if refusal.kind is not Kind.NOT_FOUND:
            raise
        return Html("import_under_way.html", shown)
    if progress.import_id:
        ended = imports_pb2.GetImportRequest(import_id=progress.import_id)
        one = getattr(await visit.ask(ended), "import")
        return Html("import_under_way.html", {**shown, "one": one})
    live = world_now() - progress.seen_at.ToDatetime(tzinfo=UTC) < INTERRUPTED_AFTER
    return Html("import_under_way.html", {**shown, "progress": progress, "live": live})


def totals_of(contents: Contents) -> list[Total]:
    return [
        Total(
            statement.heading.account,
            total.currency,
            total.entries,
            total.credits_minor,
            total.debits_minor,
        )
        for statement in contents.statements
        for total in statement.totals
    ]


LIST: Final = ("reporting.ListImports",)
SENDS: Final = (*LIST, "reporting.ImportStatement")
PAGES: Final[tuple[Page, ...]] = (
    get("/reconciliation/imports", listed, AREA, *LIST),
    post(
        "/reconciliation/imports/preview",
        preview,
        AREA,
        *SENDS,
        again=listed,
        most_of_file=MOST_OF_FILE,
    ),
    post("/reconciliation/imports", send, AREA, *SENDS, again=listed, most_of_form=MOST_OF_FORM),
    get(
        "/reconciliation/imports/under-way/{content_hash}",
        under_way,
        AREA,
        "reporting.GetImportProgress",
        "reporting.GetImport",
    ),
    get("/reconciliation/imports/{import_id}", one, AREA, "reporting.GetImport"),
)
