"""The only file that calls instalments: the offers for a link, and the plan that pays it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from incasso.instalments.v1 import (
    instalments_pb2,
    instalments_pb2_grpc,
    pages_pb2,
    pages_pb2_grpc,
    plans_pb2,
    plans_pb2_grpc,
)
from libs import client, deadlines, wire
from libs.errors import OutcomeUnknown
from libs.payments.answer import Outcome
from libs.payments.certain import move
from libs.seal import Seal, SealBrokenError
from services.paylink.rules.domain import Link

_State = plans_pb2.InstalmentPlan
# The first part pays the link; the others concern the plan only.
_OUTCOMES: Final[Mapping[int, Outcome]] = {
    _State.STATE_OFFERED: Outcome.WAIT,
    _State.STATE_IN_REVIEW: Outcome.WAIT,
    _State.STATE_ACCEPTED: Outcome.WAIT,
    _State.STATE_ACTIVE: Outcome.SUCCEED,
    _State.STATE_COMPLETED: Outcome.SUCCEED,
    _State.STATE_DEFAULTED: Outcome.SUCCEED,
    _State.STATE_WITHDRAWN: Outcome.SUCCEED,
    _State.STATE_WRITTEN_OFF: Outcome.SUCCEED,
    _State.STATE_REFUSED: Outcome.CANCEL,
    _State.STATE_CANCELLED: Outcome.CANCEL,
    _State.STATE_EXPIRED: Outcome.CANCEL,
}


@dataclass(frozen=True, slots=True)
class PlanAnswer:
    """A plan as returned by instalments."""

    id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Quoted:
    """`partner`: the lender; None: the merchant."""

    id: str
    partner: str | None


def plan_answer(plan: plans_pb2.InstalmentPlan) -> PlanAnswer:
    """Raises OutcomeUnknown for a state that this version does not know."""
    outcome = _OUTCOMES.get(plan.state)
    if outcome is None:
        raise OutcomeUnknown
    return PlanAnswer(plan.id, outcome)


class Instalments:
    """Calls on behalf of the current call's merchant. `seal` protects the stored requests of
    intents.
    """

    def __init__(self, channel: grpc.aio.Channel, seal: Seal) -> None:
        self._seal = seal
        stub: Any = instalments_pb2_grpc.InstalmentOffersServiceStub(channel)
        self._list_offers, self._quote = stub.ListInstalmentOffers, stub.CreateInstalmentQuote
        stub = plans_pb2_grpc.InstalmentPlansServiceStub(channel)
        self._create, self._cancel = stub.CreateInstalmentPlan, stub.CancelInstalmentPlan
        self._get = stub.GetInstalmentPlan
        stub = pages_pb2_grpc.InstalmentPagesServiceStub(channel)
        self._address = stub.GetInstalmentPlanAddress

    async def offers(self, link: Link) -> Sequence[Message]:
        """The offers available for the amount due. Raises RemoteRefusal, OutcomeUnknown."""
        request = instalments_pb2.ListInstalmentOffersRequest(
            amount_minor=link.due_minor, currency=link.amount.currency, locale=link.locale
        )
        answer = await client.call(self._list_offers, request, timeout_seconds=deadlines.OFFER)
        return [one for one in answer.data if one.available]

    async def quote(self, link: Link, terms_id: str, *, key: str) -> Quoted:
        """A quote is not binding. Raises as `move`."""
        request = instalments_pb2.CreateInstalmentQuoteRequest(
            terms_id=terms_id,
            amount=wire.money(link.due),
            order_reference=link.order_reference,
            locale=link.locale,
        )
        answer = await move(self._quote, request, key=key)
        return Quoted(answer.quote.id, answer.quote.offer.partner or None)

    def sealed(self, link: Link, quote_id: str, *, return_url: str) -> bytes:
        """The request to instalments, without the customer if the link names none; stored with the
        intent.
        """
        request = plans_pb2.CreateInstalmentPlanRequest(
            quote_id=quote_id,
            customer_id=link.customer_id or "",
            return_url=return_url,
            metadata=link.metadata,
        )
        return self._seal.close_bytes(request.SerializeToString(deterministic=True))

    async def create(self, sealed: bytes | None, customer_id: str, *, key: str) -> PlanAnswer:
        """The plan; for the same key the same one. Raises as `move`, also if the request was sealed
        with a lost key.
        """
        try:
            content = self._seal.open_bytes(sealed or b"")
        except SealBrokenError as error:
            raise OutcomeUnknown from error
        request = plans_pb2.CreateInstalmentPlanRequest.FromString(content)
        request.customer_id = request.customer_id or customer_id
        return plan_answer((await move(self._create, request, key=key)).plan)

    async def get(self, plan_id: str) -> PlanAnswer:
        """The plan's current state."""
        request = plans_pb2.GetInstalmentPlanRequest(plan_id=plan_id)
        answer = await client.call(self._get, request, timeout_seconds=deadlines.READ)
        return plan_answer(answer.plan)

    async def cancel(self, plan_id: str) -> PlanAnswer:
        """Prevents signing. Raises RemoteRefusal while its first part may be paid, or is paid."""
        request = plans_pb2.CancelInstalmentPlanRequest(plan_id=plan_id)
        answer = await client.call(self._cancel, request, timeout_seconds=deadlines.GIVING_UP)
        return plan_answer(answer.plan)

    async def address(self, plan_id: str) -> str:
        """URL of the page where its customer signs it."""
        request = pages_pb2.GetInstalmentPlanAddressRequest(plan_id=plan_id)
        answer = await client.call(self._address, request, timeout_seconds=deadlines.BRIEF)
        url: str = answer.url
        return url
