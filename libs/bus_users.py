"""The NATS users and their permissions, from which the server's configuration is generated.

A service can publish only its own events, so that none can forge another's. It reads through its
own consumer, which it cannot change: the migration job sets up the consumer and its filters, like
the stream, as the user `setup`.
"""

from dataclasses import dataclass
from typing import Any, Final

from libs import services
from libs.bus import DEAD, STREAM, inbox

SETUP: Final = "setup"


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subjects that a user may publish to and subscribe to; everything else is refused."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def of_service(service: str) -> Permissions:
    return Permissions(
        publish=(
            f"incasso.{service}.>",
            f"{DEAD}.{service}",
            f"$JS.API.STREAM.INFO.{STREAM}",
            f"$JS.API.CONSUMER.INFO.{STREAM}.{service}",
            f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{service}",
            f"$JS.ACK.{STREAM}.{service}.>",
        ),
        subscribe=(f"{inbox(service)}.>", *services.named(service).listens_to),
    )


def of_setup() -> Permissions:
    return Permissions(
        publish=(
            f"$JS.API.STREAM.INFO.{STREAM}",
            f"$JS.API.STREAM.CREATE.{STREAM}",
            f"$JS.API.STREAM.UPDATE.{STREAM}",
            f"$JS.API.CONSUMER.INFO.{STREAM}.*",
            f"$JS.API.CONSUMER.DURABLE.CREATE.{STREAM}.*",
        ),
        subscribe=(f"{inbox(SETUP)}.>",),
    )


def of(user: str) -> Permissions:
    return of_setup() if user == SETUP else of_service(user)


def server_users(passwords: dict[str, str]) -> list[dict[str, Any]]:
    """`authorization.users` of the server's configuration, by user and password."""
    return [
        {
            "user": user,
            "password": password,
            "permissions": {
                "publish": {"allow": list(of(user).publish)},
                "subscribe": {"allow": list(of(user).subscribe)},
            },
        }
        for user, password in passwords.items()
    ]
