"""A double of instalments that keeps a book of plans and follows a test's script."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from incasso.common.v1 import offer_pb2
from incasso.instalments.v1 import instalments_pb2, pages_pb2, plans_pb2
from incasso.instalments.v1.instalments_pb2_grpc import (
    InstalmentOffersServiceServicer,
    add_InstalmentOffersServiceServicer_to_server,
)
from incasso.instalments.v1.pages_pb2_grpc import (
    InstalmentPagesServiceServicer,
    add_InstalmentPagesServiceServicer_to_server,
)
from incasso.instalments.v1.plans_pb2_grpc import (
    InstalmentPlansServiceServicer,
    add_InstalmentPlansServiceServicer_to_server,
)
from libs import context, ids
from libs.errors import Kind, RemoteRefusal

Plan = plans_pb2.InstalmentPlan
PARTNERS = {"trm_default": None, "trm_klarna": "klarna"}  # by available terms
UNPAID = (Plan.STATE_OFFERED, Plan.STATE_ACCEPTED, Plan.STATE_IN_REVIEW)


class Instalments(
    InstalmentOffersServiceServicer, InstalmentPlansServiceServicer, InstalmentPagesServiceServicer
):
    """`before` and `after` run around calls, by method name; they may raise or wait. `books` and
    `quotes` are the truth: one plan and one quote per idempotency key. `busy`: ids of plans whose
    first part is being charged.
    """

    def __init__(self) -> None:
        self.before: dict[str, Callable[[], Any]] = {}
        self.after: dict[str, Callable[[], Any]] = {}
        self.calls: dict[str, list[Any]] = defaultdict(list)
        self.quotes: dict[str, instalments_pb2.CreateInstalmentQuoteRequest] = {}
        self.books: dict[str, Plan] = {}
        self.busy: set[str] = set()

    async def _around(self, hooks: dict[str, Callable[[], Any]], request: Any) -> None:
        name = request.DESCRIPTOR.name.removesuffix("Request")
        if hooks is self.before:
            self.calls[name].append(request)
        if name in hooks:
            done = hooks[name]()
            if asyncio.iscoroutine(done):
                await done

    def plan(self, plan_id: str) -> Plan:
        for plan in self.books.values():
            if plan.id == plan_id:
                return plan
        raise RemoteRefusal(Kind.NOT_FOUND, "plan_not_found", "no such plan")

    async def ListInstalmentOffers(self, request: Any, rpc: Any) -> Any:
        await self._around(self.before, request)
        return instalments_pb2.ListInstalmentOffersResponse(
            data=[
                offer_pb2.InstalmentOffer(
                    terms_id="trm_default", available=True, label="3 × 43,00 €", payments=3
                ),
                offer_pb2.InstalmentOffer(terms_id="trm_large", reason="minimum_amount"),
                offer_pb2.InstalmentOffer(terms_id="trm_klarna", available=True, partner="klarna"),
            ]
        )

    async def CreateInstalmentQuote(self, request: Any, rpc: Any) -> Any:
        await self._around(self.before, request)
        if request.terms_id not in PARTNERS:
            raise RemoteRefusal(Kind.NOT_FOUND, "terms_not_found", "no such terms")
        key = f"iqt_{context.current().idempotency_key}"
        self.quotes.setdefault(key, request)
        offer = offer_pb2.InstalmentOffer(partner=PARTNERS[request.terms_id])
        quote = instalments_pb2.InstalmentQuote(id=key, amount=request.amount, offer=offer)
        return instalments_pb2.CreateInstalmentQuoteResponse(quote=quote)

    async def CreateInstalmentPlan(self, request: Any, rpc: Any) -> Any:
        await self._around(self.before, request)
        key = context.current().idempotency_key
        if key not in self.books:
            self.books[key] = Plan(
                id=ids.new("pln"),
                state=Plan.STATE_OFFERED,
                quote_id=request.quote_id,
                customer_id=request.customer_id,
                amount=self.quotes[request.quote_id].amount,
                metadata=request.metadata,
            )
        made = plans_pb2.CreateInstalmentPlanResponse(plan=self.books[key])
        made.plan.state = Plan.STATE_OFFERED  # as in the answer stored for the key
        await self._around(self.after, request)
        return made

    async def GetInstalmentPlan(self, request: Any, rpc: Any) -> Any:
        await self._around(self.before, request)
        return plans_pb2.GetInstalmentPlanResponse(plan=self.plan(request.plan_id))

    async def CancelInstalmentPlan(self, request: Any, rpc: Any) -> Any:
        await self._around(self.before, request)
        plan = self.plan(request.plan_id)
        if plan.state != Plan.STATE_CANCELLED:
            if plan.state not in UNPAID or plan.id in self.busy:
                raise RemoteRefusal(Kind.CONFLICT, "plan_not_cancellable", "being paid, or paid")
            plan.state = Plan.STATE_CANCELLED
        await self._around(self.after, request)
        return plans_pb2.CancelInstalmentPlanResponse(plan=plan)

    async def GetInstalmentPlanAddress(self, request: Any, rpc: Any) -> Any:
        await self._around(self.before, request)
        url = f"https://pay.example/plan/{self.plan(request.plan_id).id}"
        return pages_pb2.GetInstalmentPlanAddressResponse(url=url)


def servicers(instalments: Instalments) -> list[tuple[Callable[..., None], Any]]:
    return [
        (add_InstalmentOffersServiceServicer_to_server, instalments),
        (add_InstalmentPlansServiceServicer_to_server, instalments),
        (add_InstalmentPagesServiceServicer_to_server, instalments),
    ]
