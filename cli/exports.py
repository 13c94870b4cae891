"""`incasso export`: saves a list of the API as a file, through the gateway and with a merchant's key.

A file gets its name once it is complete; a truncated download leaves nothing.
"""

import asyncio
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, NoReturn

import aiohttp
import typer
from rich.progress import DownloadColumn

from cli import output
from cli.output import AsJson
from libs.tables.model import Format

_LIST: Final = re.compile(r"[a-z0-9_-]+(/[A-Za-z0-9_-]+)*")
_PIECE_BYTES: Final = 256 * 1024
_MAX_ROWS: Final = "Incasso-Export-Max-Rows"
_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=3600)


@dataclass(frozen=True, slots=True)
class Asked:
    """The list's URL, and the file to write it to."""

    url: str
    query: dict[str, str]
    form: Format
    file: Path
    key: str


def export(
    *,
    name: Annotated[
        str,
        typer.Argument(
            metavar="LIST", help="Its path after /v1/: payments, reconciliation/bank-lines, …"
        ),
    ],
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", help="FIELD=VALUE, as in the list's query; repeatable."),
    ] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="By default from FILE's extension, else CSV.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--output", "-o", help="FILE; by default LIST.FORMAT.")
    ] = None,
    url: Annotated[str, typer.Option(envvar="INCASSO_URL", help="URL of the gateway.")] = "",
    key: Annotated[
        str, typer.Option(envvar="INCASSO_SECRET_KEY", help="Secret key; prefer the variable.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Write a whole list of the API, as filtered, to a CSV, XLSX or Parquet file."""
    for value, variable in ((url, "INCASSO_URL"), (key, "INCASSO_SECRET_KEY")):
        if not value:
            output.fail(
                f"{variable} is not set.",
                next_step="`source .incasso/demo.env` for the demo merchant.",
                code=output.NOT_CONFIGURED,
            )
    if not _LIST.fullmatch(name):
        output.fail(f"{name} is not a list.", next_step="Give its path after /v1/, e.g. payments.")
    form = form or _form_of(file)
    asked = Asked(
        f"{url.rstrip('/')}/v1/{name}",
        dict(map(_filter, filters or ())),
        form,
        file or Path(f"{name.rpartition('/')[2]}.{form.value}"),
        key,
    )
    started = time.monotonic()
    try:
        size = asyncio.run(_export(asked))
    except (aiohttp.ClientError, TimeoutError) as error:
        output.fail(f"{url} gave no answer.", reason=str(error), code=output.NO_ANSWER)
    except OSError as error:
        output.fail(f"{asked.file}: {error.strerror}.")
    found = {
        "list": name,
        "file": str(asked.file),
        "format": form.value,
        "size_bytes": size,
        "seconds": round(time.monotonic() - started, 3),
    }
    if as_json:
        output.print_json(found)
    else:
        output.print_record("Exported", found)


def _form_of(file: Path | None) -> Format:
    ending = file.suffix.removeprefix(".") if file else ""
    return next((form for form in Format if form.value == ending), Format.CSV)


def _filter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        output.fail(
            f"{text} is not a filter.", next_step="Write it as FIELD=VALUE: --filter state=captured"
        )
    return name, value


async def _export(asked: Asked) -> int:
    """The size of the file. A refusal ends the command."""
    headers = {"Authorization": f"Bearer {asked.key}", "Accept": asked.form.media_type}
    async with (
        aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers) as http,
        http.get(asked.url, params=asked.query) as answer,
    ):
        if not answer.ok:
            _refused(answer.status, await answer.text())
        if answer.content_type != asked.form.media_type:
            output.fail(
                "This is not a list: it cannot be exported.", next_step="/docs shows the lists."
            )
        try:
            return await _saved(answer, asked)
        except aiohttp.ClientError:
            most = answer.headers.get(_MAX_ROWS, "?")
            output.fail(
                f"The file was cut off: a service failed, or the list has more than {most} rows.",
                next_step="Retry, or narrow it with --filter. No file was kept.",
                code=output.NO_ANSWER,
            )


async def _saved(answer: aiohttp.ClientResponse, asked: Asked) -> int:
    size = 0
    with output.complete(asked.file) as opened, output.progress(DownloadColumn()) as bar:
        task = bar.add_task(f"exporting {asked.file.name}", total=None)
        async for piece in answer.content.iter_chunked(_PIECE_BYTES):
            opened.write(piece)
            size += len(piece)
            bar.advance(task, len(piece))
    return size


def _refused(status: int, body: str) -> NoReturn:
    try:
        problem = json.loads(body)
    except ValueError:  # from a proxy between the gateway and us
        output.fail(f"The answer is HTTP {status}.", next_step="Is INCASSO_URL the gateway?")
    wrong = "; ".join(f"{one['pointer']} {one['detail']}" for one in problem.get("errors", ()))
    output.fail(f"{problem['detail']} {wrong}".strip(), reason=problem["code"])
