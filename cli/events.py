"""`incasso events`: resend events of a service, and release those that could not be sent."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias, TypeVar

import typer

from cli import event_log, output
from cli.event_log import WrongDatabaseError
from cli.options import Limit
from cli.output import AsJson
from libs.errors import ServiceUnavailable
from libs.retention import REPLAY

app = typer.Typer(help="The services' event logs.", no_args_is_help=True)

FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z"]
VARIABLE = "INCASSO_DATABASE_URL"
COLUMNS = ("event_id", "merchant_id", "subject", "size", "error", "set_aside_at")
TIMES = ("recorded_at", "set_aside_at")

Service: TypeAlias = Annotated[
    str, typer.Option(help="Service: merchants, payments, oneclick, paylink, notify, …")
]
T = TypeVar("T")


@app.callback()
def events() -> None:
    """The services' event logs. Reads INCASSO_DATABASE_URL, the database of that service; without
    it, INCASSO_<SERVICE>_DATABASE_URL.
    """


@app.command("replay")
def replay_command(
    *,
    service: Service,
    since: Annotated[
        datetime,
        typer.Option("--from", formats=FORMATS, help="Start of the range; UTC by default."),
    ],
    until: Annotated[
        datetime, typer.Option("--until", formats=FORMATS, help="End of the range, exclusive.")
    ],
    subject: Annotated[
        str, typer.Option(help="Prefix of the subjects; by default all of the service.")
    ] = "",
    handled_again: Annotated[
        bool,
        typer.Option(
            "--handled-again", help="Include events so old that consumers would handle them twice."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish a range of a service's events again. Consumers ignore what they have handled."""
    url = _url(service)
    since, until = _utc(since), _utc(until)
    if since >= until:
        output.fail("--from is not before --until.", next_step="Swap them, or widen the range.")
    known = datetime.now(UTC) - REPLAY
    if since < known and not handled_again:
        output.fail(
            f"Consumers remember what they handled since {known:%Y-%m-%d}: older events would be"
            " handled twice.",
            next_step="Start later, or add --handled-again.",
        )
    prefix = subject or f"incasso.{service}."
    count = _ask(
        service, lambda: event_log.replay(url, service, since=since, until=until, subject=prefix)
    )
    if as_json:
        output.print_json({"events": count})
    else:
        output.console().print(f"{count} events of {service} are being sent again.")


@app.command("set-aside")
def set_aside_command(*, service: Service, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List events that could not be published: no consumer has received them."""
    url = _url(service)
    found = _ask(service, lambda: event_log.set_aside(url, service, limit=limit))
    rows = [
        {**asdict(event), **{name: _text(getattr(event, name)) for name in TIMES}}
        for event in found
    ]
    if as_json:
        output.print_json({"data": rows})
        return
    output.print_table("Set aside", COLUMNS, rows, empty="No event of this service is set aside.")
    if rows:
        output.print_hint("`incasso events release` retries them.")


@app.command()
def release(
    *,
    service: Service,
    event: Annotated[list[str] | None, typer.Option(help="evt_…; repeatable.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All events that were set aside.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Retry events that were set aside, once the cause is gone."""
    url = _url(service)
    if everything == bool(event):
        output.fail(
            "Choose events: --event evt_…, or --all.",
            next_step="`incasso events set-aside` lists them.",
        )
    count = _ask(service, lambda: event_log.release(url, service, event))
    if as_json:
        output.print_json({"events": count})
    else:
        output.console().print(f"{count} events of {service} are being retried.")


def _url(service: str) -> str:
    url = os.environ.get(VARIABLE) or os.environ.get(f"INCASSO_{service.upper()}_DATABASE_URL", "")
    if not url:
        output.fail(
            f"{VARIABLE} is not set: the command does not know the database of {service}.",
            next_step=f"export {VARIABLE}=postgresql://…/{service}",
            code=output.NOT_CONFIGURED,
        )
    return url


def _ask(service: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    try:
        return asyncio.run(work())
    except WrongDatabaseError as error:
        output.fail(
            f"{VARIABLE} is not the database of {service}: {error}.",
            next_step=f"Point {VARIABLE} at the database of {service}.",
        )
    except (OSError, ServiceUnavailable) as error:
        output.fail(
            f"The database gave no answer: {error}",
            next_step=f"Check host and port in {VARIABLE}.",
            code=output.NO_ANSWER,
        )


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
