"""Manifests and event files for tests."""

import base64
from typing import Any, Final

from tests.services.cod.orders import Shop, number_of
from tests.services.cod.world import World

MANIFEST_COLUMNS: Final = {
    "tracking_number": "Spedizione",
    "sender_reference": "Rif. mittente",
    "to_collect": "Contrassegno",
}
EVENT_COLUMNS: Final = {
    "tracking_number": "Spedizione",
    "kind": "Esito",
    "occurred_at": "Data",
    "amount": "Contrassegno",
    "mode": "Incasso",
    "words": [
        {"text": "In consegna", "kind": "COURIER_EVENT_KIND_OUT_FOR_DELIVERY"},
        {"text": "Assente", "kind": "COURIER_EVENT_KIND_ATTEMPT_FAILED"},
        {"text": "Consegnato", "kind": "COURIER_EVENT_KIND_COLLECTED"},
        {"text": "Rifiutato", "kind": "COURIER_EVENT_KIND_REFUSED"},
        {"text": "Reso", "kind": "COURIER_EVENT_KIND_RETURNED"},
        {"text": "In transito"},
    ],
}
MANIFEST: Final = "Spedizione;Rif. mittente;Contrassegno"
EVENTS: Final = "Spedizione;Esito;Data;Contrassegno;Incasso"


async def shop_of(world: World, **more: Any) -> Shop:
    """A shop with a courier whose files have these columns."""
    terms = {"manifest_columns": MANIFEST_COLUMNS, "event_columns": EVENT_COLUMNS, **more}
    return Shop(world, (await world.courier(**terms)).id)


def base64_of(*lines: str) -> str:
    return base64.b64encode("\r\n".join(lines).encode("cp1252")).decode()


async def manifest(shop: Shop, *lines: str) -> Any:
    fields = {"courier_id": shop.courier_id, "file": base64_of(MANIFEST, *lines)}
    return (await shop.call("UploadManifest", **fields)).manifest


async def event_file(shop: Shop, *lines: str) -> Any:
    fields = {"courier_id": shop.courier_id, "file": base64_of(EVENTS, *lines)}
    return (await shop.call("UploadEventFile", **fields)).event_file


def announced(order: Any, amount: str = "50,00", *, parcel: int = 0) -> str:
    return f"{number_of(order, parcel)};{order.order_reference};{amount}"
