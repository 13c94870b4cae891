"""`incasso secrets`: the Secrets that a new installation on Kubernetes needs before the chart."""

import json
from typing import Annotated

import typer

from stack.installation import Installation, manifest


def secrets(
    *,
    fullname: Annotated[
        str,
        typer.Option(help="Prefix of the chart's objects; `incasso` for a release of that name."),
    ] = "incasso",
    database: Annotated[
        str,
        typer.Option(
            help="host:port of PostgreSQL, or of a primary and its standbys, comma-separated;"
            " by default the chart's own."
        ),
    ] = "",
    nats: Annotated[
        str,
        typer.Option(help="host:port of NATS, or of several nodes; by default the chart's own."),
    ] = "",
    smtp_url: Annotated[
        str, typer.Option(help="Mail server; by default the chart's sandbox.")
    ] = "",
    sandbox_url: Annotated[
        str,
        typer.Option(help="Public URL of the chart's sandbox; without it, the sandbox is no PSP."),
    ] = "",
) -> None:
    """Print the Secrets of a new installation, for `kubectl create -f -`: all of them are new and random."""
    made = Installation(
        fullname, database=database, nats=nats, smtp_url=smtp_url, sandbox_url=sandbox_url
    )
    print(json.dumps(manifest(made), indent=1))
