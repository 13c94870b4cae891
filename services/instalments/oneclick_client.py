"""The only file, besides the payments kit, that calls oneclick: reads due cards, many at once, and
saves new ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incasso.oneclick.v1 import oneclick_pb2
from libs import client, deadlines, erasing, wire
from libs.payments.saved_cards import SavedCard, SavedCards, card_of
from services.instalments.rules.cards import NewCard

PERSONAL: Final[erasing.Personal] = {"incasso.oneclick.v1.Consent": ("ip",)}
KEEPING_CONSENTS: Final = ("SavePlanPageCard",)  # stored with their key


@dataclass(frozen=True, slots=True)
class Attached:
    """`challenge_url`: where the customer has to go first, or ""."""

    instrument_id: str
    challenge_url: str
    usable: bool


def consented(
    customer_id: str, *, text_version: str, accepted_at: datetime, ip: str | None, return_url: str
) -> oneclick_pb2.AttachInstrumentRequest:
    """The request to oneclick, without the card."""
    consent = oneclick_pb2.Consent(
        text_version=text_version, accepted_at=wire.timestamp(accepted_at), ip=ip
    )
    return oneclick_pb2.AttachInstrumentRequest(
        customer_id=customer_id, consent=consent, return_url=return_url
    )


def consent_left(kept: bytes) -> bytes:
    """The result of `consented` after its customer was erased."""
    return erasing.clear(oneclick_pb2.AttachInstrumentRequest.FromString(kept), PERSONAL)


def _attached(instrument: oneclick_pb2.Instrument) -> Attached:
    usable = instrument.state == oneclick_pb2.Instrument.STATE_ACTIVE
    return Attached(instrument.id, instrument.next_action.url, usable)


class Cards(SavedCards):
    """Reads cards, also of many customers at once, and saves new ones."""

    async def attach(self, asked: bytes, card: NewCard, *, key: str) -> Attached:
        """`asked`: the result of `consented`. Raises RemoteRefusal, OutcomeUnknown."""
        request = oneclick_pb2.AttachInstrumentRequest.FromString(asked)
        request.psp_account, request.token = card.psp_account, card.card_token
        answer = await client.call(
            self.stub.AttachInstrument,
            request,
            timeout_seconds=deadlines.SAVING,
            idempotency_key=key,
        )
        return _attached(answer.instrument)

    async def refresh(self, *, key: str) -> Attached:
        """The outcome of saving a card with `attach` under the key. Raises RemoteRefusal,
        OutcomeUnknown.
        """
        answer = await client.call(
            self.stub.RefreshInstrumentByKey,
            oneclick_pb2.RefreshInstrumentByKeyRequest(key=key),
            timeout_seconds=deadlines.SAVING,
        )
        return _attached(answer.instrument)

    async def of_ids(self, instrument_ids: Sequence[str]) -> Sequence[SavedCard]:
        """The chargeable ones, without `sca_history`; at most 100. Raises RemoteRefusal,
        OutcomeUnknown.
        """
        answer = await client.call(
            self.stub.GetChargeableInstruments,
            oneclick_pb2.GetChargeableInstrumentsRequest(instrument_ids=instrument_ids),
            timeout_seconds=deadlines.READ,
        )
        return [card_of(one) for one in answer.data]
