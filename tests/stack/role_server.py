"""A PostgreSQL server with the stack's roles, for tests of their privileges."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from libs import schema
from stack import roles
from stack.memory import throw_away_folder
from stack.postgres import Postgres, running
from stack.process import free_ports

SERVICES = Path(__file__).resolve().parents[2] / "services"


@contextmanager
def role_server(
    tmp_path_factory: pytest.TempPathFactory, services: Sequence[str]
) -> Iterator[Postgres]:
    folder = tmp_path_factory.mktemp("roles")
    with throw_away_folder(in_memory=True) as data, (folder / "log").open("wb") as log:
        made = Postgres(data / "data", free_ports(1)[0], durable=False, secrets=folder / "secrets")
        made.initialise()
        with running(made, log.fileno()):
            made.ensure_services(services)
            yield made


async def migrate(server: Postgres, service: str) -> None:
    """Migrates as the database's owner, the only role that may."""
    owner = server.role_url(roles.owner(service), service)
    await schema.migrate(owner, service, SERVICES / service / "migrations")
