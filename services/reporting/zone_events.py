"""The events that report merchants' time zones."""

from typing import Final

from incasso.merchants.v1 import events_pb2 as merchants
from libs import descriptors, time_zones
from libs.bus import Event

_BY_SUBJECT: Final = {
    descriptors.subject_of(message()): message
    for message in (merchants.MerchantCreated, merchants.MerchantUpdated)
}
SUBJECTS: Final = tuple(_BY_SUBJECT)


def zone_of(event: Event) -> tuple[str, str]:
    """The merchant's zone; UTC if it was created before zones existed."""
    merchant = _BY_SUBJECT[event.subject].FromString(event.body).merchant
    return merchant.id, merchant.time_zone or time_zones.UTC
