"""The parts of docs/security.md that follow from the contracts and the code: `make security`.

Each is enclosed in two comments; the prose around them is written by hand.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from libs import bus_users, descriptors, services
from stack import retention_page, roles

FILE = Path(__file__).resolve().parent.parent / "docs" / "security.md"
SECTION = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def callers() -> Iterator[str]:
    """Every RPC: its callers, and the scope that an API key needs when the gateway calls it."""
    yield "| RPC | callers | API key |"
    yield "|---|---|---|"
    for owner in sorted(descriptors.all_services(), key=lambda owner: owner.full_name):
        service = owner.full_name.split(".")[1]
        for rpc in owner.methods:
            rules = descriptors.rules_of(rpc)
            key = f"`{rules.scope}`" if rules.scope else ""
            key += ", also publishable" if rules.publishable else ""
            yield f"| {service} `{rpc.name}` | {', '.join(rules.callers)} | {key.lstrip(', ')} |"


def events() -> Iterator[str]:
    """Every NATS user with the subjects open to it."""
    yield "| user | publishes to | subscribes to |"
    yield "|---|---|---|"
    for user in (*services.NAMES, bus_users.SETUP):
        may = bus_users.of(user)
        publish, subscribe = (
            "<br>".join(f"`{subject}`" for subject in subjects)
            for subjects in (may.publish, may.subscribe)
        )
        yield f"| {user} | {publish} | {subscribe} |"


def databases() -> Iterator[str]:
    """The SQL that an administrator runs once per service, with payments as the example."""
    service = "payments"
    yield "```sql"
    yield "-- in the cluster"
    yield from (f"{roles.login(role, '…')};" for role in roles.roles(service))
    yield from (f"{statement};" for statement in roles.in_the_cluster(service))
    yield "-- in the new database"
    yield from (f"{statement};" for statement in roles.in_the_database(service))
    yield "```"


def current(text: str) -> str:
    """The page with its generated sections updated."""
    made = {
        "callers": callers,
        "events": events,
        "databases": databases,
        "kept": retention_page.lines,
    }
    return SECTION.sub(
        lambda found: f"{found[1]}\n" + "\n".join(made[found[2]]()) + f"\n\n{found[3]}", text
    )


if __name__ == "__main__":
    FILE.write_text(current(FILE.read_text()))
