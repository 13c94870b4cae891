"""The only file that calls oneclick beside the kit of payments: cards that are due, many at once."""

from collections.abc import Sequence

from incasso.oneclick.v1 import oneclick_pb2
from libs import client, deadlines
from libs.payments.saved_cards import SavedCard, SavedCards, card_of


class Cards(SavedCards):
    """Also those of many customers."""

    async def of_ids(self, instrument_ids: Sequence[str]) -> Sequence[SavedCard]:
        """Those that can be charged, without `sca_history`; at most 100. Raises RemoteRefusal,
        OutcomeUnknown.
        """
        answer = await client.call(
            self.stub.GetChargeableInstruments,
            oneclick_pb2.GetChargeableInstrumentsRequest(instrument_ids=instrument_ids),
            timeout_seconds=deadlines.READ,
        )
        return [card_of(one) for one in answer.data]
