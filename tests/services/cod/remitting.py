"""Remittance files for tests, and what a shop does with them."""

import base64
from collections.abc import Sequence
from typing import Any, Final

from incasso.cod.v1.orders_pb2 import CodOrder
from incasso.cod.v1.remittances_pb2 import CodRemittance, CodRemittanceLine
from tests.services.cod.orders import Shop, event, number_of
from tests.services.cod.world import World

HEADER: Final = "Spedizione;Rif. mittente;Contrassegno;Commissione;Netto;Data;Esito"
COLUMNS: Final = {
    "tracking_number": "Spedizione",
    "sender_reference": "Rif. mittente",
    "collected": "Contrassegno",
    "cut": "Commissione",
    "remitted": "Netto",
    "on": "Data",
    "state": "Esito",
    "words": [
        {"text": "Consegnato", "meaning": "MEANING_COLLECTED"},
        {"text": "Reso", "meaning": "MEANING_RETURNED"},
    ],
}
CUT: Final = {"basis_points": 300, "minimum_minor": 300}
DAY: Final = "26/11/2026"


async def shop_of(world: World, **more: Any) -> Shop:
    """A shop with a courier whose files have these columns."""
    courier = await world.courier(remittance_columns=COLUMNS, cut=CUT, **more)
    return Shop(world, courier.id)


def amount(minor: int) -> str:
    return f"{minor // 100},{minor % 100:02d}"


def line(
    order: CodOrder | None,
    remitted: int,
    *,
    collected: int = 50_00,
    cut: int = 3_00,
    number: str = "",
    reference: str = "",
    word: str = "Consegnato",
) -> str:
    number = number or (number_of(order) if order else "")
    parts = (number, reference, amount(collected), amount(cut), amount(remitted), DAY, word)
    return ";".join(parts)


def base64_of(*lines: str) -> str:
    return base64.b64encode("\n".join((HEADER, *lines)).encode("cp1252")).decode()


async def uploaded(shop: Shop, *lines: str, **more: Any) -> CodRemittance:
    fields = {"courier_id": shop.courier_id, "file": base64_of(*lines), **more}
    return (await shop.call("UploadRemittance", **fields)).remittance


async def committed(shop: Shop, *lines: str, **more: Any) -> CodRemittance:
    remittance = await uploaded(shop, *lines, **more)
    return await commit(shop, remittance)


async def commit(shop: Shop, remittance: CodRemittance) -> CodRemittance:
    return (await shop.call("CommitRemittance", remittance_id=remittance.id)).remittance


async def lines_of(shop: Shop, remittance: CodRemittance, **more: Any) -> Sequence[Any]:
    """The lines, in the order of the file."""
    answer = await shop.call("ListRemittanceLines", remittance_id=remittance.id, **more)
    return list(reversed(answer.data))


async def resolve(shop: Shop, one: Any, **fields: Any) -> CodRemittanceLine:
    """`closed_as`: by name, in lower case."""
    if closed_as := fields.pop("closed_as", ""):
        fields["closed_as"] = f"REMITTANCE_CLOSING_{closed_as.upper()}"
    request = {"remittance_id": one.remittance_id, "remittance_line_id": one.id, **fields}
    return (await shop.call("ResolveRemittanceLine", **request)).line


async def collected_order(shop: Shop, *amounts: int) -> CodOrder:
    order = await shop.dispatched(*amounts)
    await shop.report(*(event(order, "collected", parcel=n) for n in range(len(amounts) or 1)))
    return order


async def state_of(shop: Shop, order: CodOrder) -> str:
    found = await shop.get(order.id)
    return CodOrder.State.Name(found.state).removeprefix("STATE_").lower()


def results(remittance: CodRemittance) -> dict[str, int]:
    return dict(remittance.results)
