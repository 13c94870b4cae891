"""`make demo-data`: a separate shop with a month of data worth looking at in the console.

Its data comes about as any merchant's does: by API calls, the simulated PSPs, bank and courier, and
the clock of a test merchant, which ends some five weeks ahead.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from incasso.merchants.v1 import members_pb2, sessions_pb2
from libs import client, deadlines
from stack.demo_couriers import give_couriers
from stack.demo_data.front import NAME, Front
from stack.demo_data.month import DAYS, Month
from stack.demo_member import join, members
from stack.demo_merchant import acting_for, connect_psps, create_merchant, give_a_face
from stack.private import write_private
from stack.reach import Reach
from stack.shop import TIMEOUT_SECONDS
from stack.topology import DEMO_PASSWORD

DOMAIN: Final = "emporio.example"
FILE: Final = "demo-data.json"
RECORDED: Final = 0.2  # share of calls with a recorded trace; the sandbox keeps the latest 2,000
OWNER: Final = "vera"
PEOPLE: Final = (
    (OWNER, "Vera Verdi", sessions_pb2.ROLE_OWNER),
    ("conti", "Carla Conti", sessions_pb2.ROLE_FINANCE),
    ("negozio", "Nino Sala", sessions_pb2.ROLE_OPERATOR),
    ("revisore", "Rita Leone", sessions_pb2.ROLE_VIEWER),
)
INVITED: Final = "nuova"
EVENTS: Final[Mapping[int, tuple[str, ...]]] = {
    204: (),  # all
    503: ("payment.refunded", "dispute.*"),
}


@dataclass(frozen=True, slots=True)
class Planted:
    """The stored state of a run. `days`: played so far."""

    merchant_id: str
    secret_key: str
    mark: str
    domain: str
    days: int = 0
    complete: bool = False

    @property
    def sign_in(self) -> str:
        return f"{OWNER}@{self.domain} / {DEMO_PASSWORD}"


def remembered(root: Path) -> Planted | None:
    file = root / FILE
    return Planted(**json.loads(file.read_text())) if file.exists() else None


def _remember(root: Path, planted: Planted) -> None:
    write_private(root / FILE, json.dumps(asdict(planted), indent=2) + "\n")


async def reconnect(stack: Reach, root: Path) -> None:
    """Reconnects the shop's PSPs after a restart, when addresses may differ or the data may be gone."""
    known = remembered(root)
    if known is not None and await _works(stack, known):
        await connect_psps(stack, known.merchant_id, suffix=f"-{known.mark}")


async def _works(stack: Reach, known: Planted) -> bool:
    headers = {"Authorization": f"Bearer {known.secret_key}"}
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{stack.url}/v1/merchant", headers=headers) as answer,
    ):
        return answer.ok


async def plant(stack: Reach, root: Path, console: Console, *, days: int = DAYS) -> Planted:
    """Plants one shop per stack's data; an interrupted run's shop stays, and another is begun."""
    known = remembered(root)
    if known is not None and await _works(stack, known):
        if known.complete:
            console.print(f"{NAME} is there already, with {known.days} days of data.")
            return known
        console.print(
            f"[yellow]An earlier run stopped after {known.days} days.[/] Another shop begins."
        )
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        front = Front(
            http, stack.url, "", stack.sandbox_url, stack.localstripe_url, recorded=RECORDED
        )
        merchant = await create_merchant(stack, NAME, suffix=front.suffix)
        front.secret_key = merchant.secret_key
        domain = DOMAIN if known is None else f"{front.mark}.{DOMAIN}"
        planted = Planted(merchant.merchant_id, merchant.secret_key, front.mark, domain)
        _remember(root, planted)
        await _open(stack, front, planted)
        with _progress(console) as progress:
            task = progress.add_task(NAME, total=days)

            def done(number: int, day: str) -> None:
                _remember(root, replace(planted, days=number))
                progress.update(task, completed=number, description=f"{NAME}, {day}")

            month = await Month.open(front, days)
            await month.play(done)
    planted = replace(planted, days=days, complete=True)
    _remember(root, planted)
    return planted


def _progress(console: Console) -> Progress:
    count = TextColumn("{task.completed} of {task.total} days")
    what = TextColumn("{task.description}")
    return Progress(what, BarColumn(), count, TimeElapsedColumn(), console=console)


async def _open(stack: Reach, front: Front, planted: Planted) -> None:
    """Sets up the shop's branding, couriers, staff, keys and webhooks."""
    merchant_id, domain = planted.merchant_id, planted.domain
    await give_a_face(stack, merchant_id, holder=f"{NAME} S.r.l.", iban=front.iban)
    await give_couriers(stack.url, front.secret_key)
    for who, name, role in PEOPLE:
        email = f"{who}@{domain}"
        await join(stack, merchant_id, email=email, password=DEMO_PASSWORD, name=name, role=role)
    with acting_for(merchant_id):
        async with members(stack) as stub:
            invite = members_pb2.InviteMemberRequest(
                email=f"{INVITED}@{domain}", role=sessions_pb2.ROLE_VIEWER
            )
            await client.call(
                stub.InviteMember,
                invite,
                timeout_seconds=deadlines.READ,
                idempotency_key=f"demo-{merchant_id}",
            )
    for status, types in EVENTS.items():
        url = f"{stack.sandbox_url}/answers/{status}"
        await front.write("/v1/webhook-endpoints", {"url": url, "event_types": types})
    for name, scopes in (
        ("Negozio", ["payments:read", "payments:write"]),
        ("Conti", ["reports:read"]),
    ):
        await front.write("/v1/api-keys", {"kind": "secret", "name": name, "scopes": scopes})
