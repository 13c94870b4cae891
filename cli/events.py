"""`incasso events`: send events of a service again."""

import asyncio
import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli import output
from cli.output import AsJson
from cli.replay import WrongDatabaseError, replay
from libs.errors import ServiceUnavailable

app = typer.Typer(help="The services' event logs.", no_args_is_help=True)

FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z"]
VARIABLE = "INCASSO_DATABASE_URL"


@app.callback()
def events() -> None:
    """The services' event logs."""


@app.command("replay")
def replay_command(
    *,
    service: Annotated[str, typer.Option(help="Whose log: merchants, payments, oneclick.")],
    since: Annotated[
        datetime, typer.Option("--from", formats=FORMATS, help="First moment; UTC when not said.")
    ],
    until: Annotated[
        datetime, typer.Option("--until", formats=FORMATS, help="First moment after the range.")
    ],
    subject: Annotated[
        str, typer.Option(help="Only subjects that begin so; all of the service when absent.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Publish a range of a service's events again. Consumers ignore what they have handled.

    Reads INCASSO_DATABASE_URL, the database of that service.
    """
    url = os.environ.get(VARIABLE, "")
    if not url:
        output.fail(
            f"{VARIABLE} is not set: the command does not know the database of {service}.",
            next_step=f"export {VARIABLE}=postgresql://…/{service}",
            code=output.NOT_CONFIGURED,
        )
    since, until = _utc(since), _utc(until)
    if since >= until:
        output.fail("--from is not before --until.", next_step="Swap them, or widen the range.")
    count = _replay(url, service, since=since, until=until, subject=subject)
    if as_json:
        output.print_json({"events": count})
    else:
        output.console().print(f"{count} events of {service} are being sent again.")


def _replay(url: str, service: str, *, since: datetime, until: datetime, subject: str) -> int:
    prefix = subject or f"incasso.{service}."
    try:
        return asyncio.run(replay(url, service, since=since, until=until, subject=prefix))
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
