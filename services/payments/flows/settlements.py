"""A PSP's own list of its settlements, page by page. Reporting stores them; payments does not."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs import context
from libs.logs import log
from services.payments import errors
from services.payments.connectors.base import SettlementLine
from services.payments.deps import Deps
from services.payments.rules.outcomes import Unknown
from services.payments.store import accounts


@dataclass(frozen=True, slots=True)
class Fetched:
    data: Sequence[SettlementLine]
    cursor: str
    has_more: bool
    psp: str


async def fetch_settlements(deps: Deps, psp_account: str, cursor: str) -> Fetched:
    """Raises PspAccountNotFound, CredentialsMissing, PspUnavailable."""
    found = await deps.db.run(accounts.list_all, context.merchant_id())
    account = next((each for each in found if each.name == psp_account), None)
    if account is None:
        raise errors.PspAccountNotFound
    connector = deps.psps.connector(account)
    page = await connector.settlements(cursor, since=account.created_at)
    if isinstance(page, Unknown):
        log.info("a PSP does not list its settlements", psp_account=psp_account, reason=page.why)
        raise errors.PspUnavailable
    return Fetched(page.lines, page.cursor, page.is_more, account.psp)
