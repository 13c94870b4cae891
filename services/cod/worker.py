"""The other door: customers who are erased."""

from incasso.oneclick.v1 import events_pb2
from libs.bus import Event
from libs.consumer import Handler
from libs.db import Conn
from services.cod.flows import erase


def handlers() -> dict[str, Handler]:
    """What is done with each event of oneclick."""
    return {"incasso.oneclick.customer.erased": _customer_erased}


async def _customer_erased(conn: Conn, event: Event) -> None:
    erased = events_pb2.CustomerErased.FromString(event.body)
    await erase.erase_customer(conn, erased.customer_id)
