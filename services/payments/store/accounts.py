"""SQL of merchants' PSP accounts, routing rules and payment policies."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from typing import Any, Final

from libs import rows
from libs.db import Conn
from services.payments.rules.orders import DuplicatePolicy
from services.payments.rules.routing import Rule, Target
from services.payments.rules.states import TraBand


@dataclass(frozen=True, slots=True)
class PspAccount:
    """`credentials` names the file with the account's secrets."""

    merchant_id: str
    id: str
    name: str
    psp: str
    credentials: str
    tra_band: TraBand
    created_at: datetime


_ACCOUNTS: Final = rows.Table("psp_accounts", PspAccount)
_INSERT: Final = _ACCOUNTS.insert() + " ON CONFLICT ON CONSTRAINT psp_accounts_name_key DO NOTHING"


async def insert(conn: Conn, account: PspAccount) -> bool:
    """Whether the name was free."""
    return await conn.execute(_INSERT, *_ACCOUNTS.values(account)) == 1


async def list_all(conn: Conn, merchant_id: str) -> Sequence[PspAccount]:
    """In order of creation."""
    return await _ACCOUNTS.all(conn, "WHERE merchant_id = $1 ORDER BY id", merchant_id)


@dataclass(frozen=True, slots=True)
class PspWebhookArrivals:
    """In the last week. `approved_at`: the newest approved call that the PSP should have reported."""

    psp_account_id: str
    name: str
    last_webhook_at: datetime | None
    approved_at: datetime | None


# PSPs report within seconds; slow ones get a quarter of an hour. By real time, not a test clock.
_ARRIVALS: Final = rows.Table(
    "psp_accounts AS account",
    PspWebhookArrivals,
    sql={
        "psp_account_id": "account.id",
        "last_webhook_at": """(
        SELECT max(received_at) FROM psp_events AS event
        WHERE (event.merchant_id, psp_account_id) = (account.merchant_id, account.id)
            AND received_at > now() - interval '7 days')""",
        "approved_at": """(
        SELECT max(started_at) FROM (
            SELECT id FROM payments WHERE payments.merchant_id = account.merchant_id
            ORDER BY id DESC LIMIT 1000
        ) AS newest JOIN attempts ON
            (attempts.merchant_id, payment_id) = (account.merchant_id, newest.id)
        WHERE psp_account_id = account.id AND attempts.state = 'approved'
            AND started_at BETWEEN now() - interval '7 days' AND now() - interval '15 minutes')""",
    },
)


async def webhook_arrivals(conn: Conn, merchant_id: str) -> Sequence[PspWebhookArrivals]:
    """In order of creation, judged by the merchant's newest 1,000 payments."""
    return await _ARRIVALS.all(conn, "WHERE merchant_id = $1 ORDER BY id", merchant_id)


async def by_id(conn: Conn, psp_account_id: str) -> PspAccount | None:
    """For any merchant: used by webhooks."""
    return await _ACCOUNTS.one(conn, "WHERE id = $1", psp_account_id)


async def rules(conn: Conn, merchant_id: str) -> tuple[Rule, ...]:
    """Empty if the merchant set none."""
    found = await conn.fetchval("SELECT rules FROM routings WHERE merchant_id = $1", merchant_id)
    return tuple(_rule_of(entry) for entry in found or ())


async def save_rules(conn: Conn, merchant_id: str, new: Sequence[Rule], *, now: datetime) -> None:
    await conn.execute(
        "INSERT INTO routings (merchant_id, rules, updated_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (merchant_id) DO UPDATE"
        " SET rules = EXCLUDED.rules, updated_at = EXCLUDED.updated_at",
        merchant_id,
        [_rule_json(rule) for rule in new],
        now,
    )


async def policy(conn: Conn, merchant_id: str) -> DuplicatePolicy:
    """REFUSE if the merchant set none."""
    found = await conn.fetchval(
        "SELECT duplicate_orders FROM payment_policies WHERE merchant_id = $1", merchant_id
    )
    return DuplicatePolicy(found) if found else DuplicatePolicy.REFUSE


async def save_policy(conn: Conn, merchant_id: str, new: DuplicatePolicy, *, now: datetime) -> None:
    await conn.execute(
        "INSERT INTO payment_policies (merchant_id, duplicate_orders, updated_at)"
        " VALUES ($1, $2, $3) ON CONFLICT (merchant_id) DO UPDATE"
        " SET duplicate_orders = EXCLUDED.duplicate_orders, updated_at = EXCLUDED.updated_at",
        merchant_id,
        new.value,
        now,
    )


def _rule_of(entry: dict[str, Any]) -> Rule:
    """Targets are stored as (account, rank, weight)."""
    targets = tuple(Target(*target) for target in entry["targets"])
    return replace(rows.of_json(Rule, {**entry, "targets": ()}), targets=targets)


def _rule_json(rule: Rule) -> dict[str, Any]:
    targets = [astuple(target) for target in rule.targets]
    return {**rows.to_json(rule), "targets": targets}
