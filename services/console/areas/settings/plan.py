"""The merchant's plan: its limits, and how much of each is used."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from incasso.merchants.v1 import merchants_pb2
from incasso.notify.v1 import messages_pb2
from incasso.paylink.v1 import paylink_pb2
from incasso.payments.v1 import payments_pb2
from services.console.page import Html, Page, get
from services.console.visit import Visit

AREA: Final = "settings_plan"
MOST_KEYS: Final = 100  # rows of one page of a list
NEARLY: Final = 80  # per cent


@dataclass(frozen=True, slots=True)
class Limit:
    """`used` is None if it is not counted, or the role does not see it."""

    name: str
    most: int
    used: int | None

    @property
    def percent(self) -> int:
        return min(100, (self.used or 0) * 100 // self.most) if self.most else 100

    @property
    def nearly(self) -> bool:
        return self.used is not None and self.percent >= NEARLY


async def plan(visit: Visit) -> Html:
    """Limits by name; those without a text here are shown by their name."""
    assert visit.merchant is not None  # set for every page about a merchant
    quotas = sorted(visit.merchant.quotas.items())
    used = await asyncio.gather(*(_used(visit, name) for name, _ in quotas))
    limits = [Limit(name, most, count) for (name, most), count in zip(quotas, used, strict=True)]
    return Html("plan_limits.html", {"plan": visit.merchant.plan, "limits": limits})


async def _used(visit: Visit, name: str) -> int | None:
    counted = _COUNTED.get(name)
    return await counted(visit) if counted is not None else None


async def _keys(visit: Visit) -> int | None:
    """Active keys among the newest hundred."""
    if not visit.may(merchants_pb2.ListApiKeysRequest):
        return None
    found = (await visit.ask(merchants_pb2.ListApiKeysRequest(limit=MOST_KEYS))).data
    return len([key for key in found if key.state == key.STATE_ACTIVE])


async def _accounts(visit: Visit) -> int | None:
    if not visit.may(payments_pb2.ListPspAccountsRequest):
        return None
    return len((await visit.ask(payments_pb2.ListPspAccountsRequest())).data)


async def _links(visit: Visit) -> int | None:
    if not visit.may(paylink_pb2.GetLinkUsageRequest):
        return None
    used: int = (await visit.ask(paylink_pb2.GetLinkUsageRequest())).used
    return used


async def _sms(visit: Visit) -> int | None:
    if not visit.may(messages_pb2.GetSmsUsageRequest):
        return None
    used: int = (await visit.ask(messages_pb2.GetSmsUsageRequest())).used
    return used


_COUNTED: Final[dict[str, Callable[[Visit], Awaitable[int | None]]]] = {
    "active_api_keys": _keys,
    "psp_accounts": _accounts,
    "links_per_month": _links,
    "sms_per_month": _sms,
}
PAGES: Final[tuple[Page, ...]] = (
    get(
        "/settings/plan",
        plan,
        AREA,
        "merchants.GetMerchant",
        parts=(
            "merchants.ListApiKeys",
            "payments.ListPspAccounts",
            "paylink.GetLinkUsage",
            "notify.GetSmsUsage",
        ),
    ),
)
