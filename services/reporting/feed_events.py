"""Starts a feed for each new PSP account: the PSP's own list of its settlements."""

from typing import Final

from incasso.payments.v1.events_pb2 import PspAccountCreated
from libs import descriptors
from libs.bus import Event
from libs.db import Conn
from services.reporting.rules.feeds import Feed
from services.reporting.store import feeds

CREATED: Final = descriptors.subject_of(PspAccountCreated())


async def begin(conn: Conn, event: Event) -> None:
    account = PspAccountCreated.FromString(event.body).psp_account
    await feeds.begin(conn, Feed(event.merchant_id, account.id, account.name, ""))
