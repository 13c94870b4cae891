"""SQL of terms."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from libs import pages, rows
from libs.db import Conn
from libs.pages import Listed, Page
from services.instalments.rules.terms import Terms, TermsState

TERMS: Final = rows.Table("terms", Terms, spread={"every": "every_"})


async def active(conn: Conn, merchant_id: str) -> Sequence[Terms]:
    """Active terms, in order of creation."""
    where = "WHERE merchant_id = $1 AND state = 'active' ORDER BY id"
    return await TERMS.all(conn, where, merchant_id)


async def list_page(
    conn: Conn, merchant_id: str, page: Page, state: TermsState | None
) -> Listed[Terms]:
    wanted = {"merchant_id = {}": merchant_id, "state = {}": state}
    return await pages.fetch(conn, TERMS, page, wanted)


async def count_active(conn: Conn, merchant_id: str) -> int:
    return await TERMS.count(conn, "WHERE merchant_id = $1 AND state = 'active'", merchant_id)


async def has_any(conn: Conn, merchant_id: str) -> bool:
    exists = "SELECT EXISTS (SELECT FROM terms WHERE merchant_id = $1)"
    return bool(await conn.fetchval(exists, merchant_id))


async def archive(conn: Conn, terms: Terms) -> Terms:
    await TERMS.change(conn, terms, "state = $3", TermsState.ARCHIVED.value)
    return replace(terms, state=TermsState.ARCHIVED)
