"""`incasso secrets`: the Secrets that a new installation on Kubernetes needs before the chart."""

import json
from typing import Annotated

import typer

from stack.installation import Installation, manifest


def secrets(
    *,
    fullname: Annotated[
        str,
        typer.Option(
            help="What the chart calls its objects; `incasso` for a release of that name."
        ),
    ] = "incasso",
    database: Annotated[
        str,
        typer.Option(
            help="host:port of PostgreSQL, or of a primary and its standbys with commas; the"
            " chart's own when absent."
        ),
    ] = "",
    nats: Annotated[
        str,
        typer.Option(help="host:port of NATS, or of several nodes; the chart's own when absent."),
    ] = "",
    smtp_url: Annotated[
        str, typer.Option(help="Where mail goes out; to the chart's sandbox when absent.")
    ] = "",
    sandbox_url: Annotated[
        str, typer.Option(help="Where browsers find the chart's sandbox; it is no PSP when absent.")
    ] = "",
) -> None:
    """Print the Secrets of a new installation, for `kubectl create -f -`: all of them are new and random."""
    made = Installation(
        fullname, database=database, nats=nats, smtp_url=smtp_url, sandbox_url=sandbox_url
    )
    print(json.dumps(manifest(made), indent=1))
