"""A process that refunds cash is killed before any of its statements, or before its answer: a repeated call finds each
step done once, and each refund in one file.
"""

import itertools
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from libs.idempotency import Key
from services.cod.flows import refund_exports, refunding
from services.cod.flows.refund_exports import CreateExport, Failure
from services.cod.flows.refunding import CreateRefund
from services.cod.rules.refund_accounts import RefundAccount
from tests.kit.mortal import KilledError, Mortal
from tests.services.cod.refunding import GIULIAS, Cashier
from tests.services.cod.test_crashes import MortalDatabase, ProcessDied
from tests.services.cod.test_refund_exports import DEBTOR

STEPS = ("ask", "give", "export", "pay", "fail", "retry")


class Journey:
    """A refund step by step, from the collected cash to a returned transfer."""

    def __init__(self, cashier: Cashier, order: Any) -> None:
        self.cashier = cashier
        self.order = order

    async def make(self, step: str, deps: Any) -> None:
        self.cashier.shop.world.act()
        await getattr(self, step)(deps)

    def key(self, method: str) -> Key:
        return Key(self.cashier.shop.world.merchant_id, method, "key", method.encode())

    async def only(self, rpc: str) -> Any:
        (found,) = (await self.cashier.shop.call(rpc)).data
        return found

    async def ask(self, deps: Any) -> None:
        cmd = CreateRefund(cod_order_id=self.order.id, amount_minor=20_00, metadata={})
        await refunding.create_refund(deps, cmd, self.key("CreateCodRefund"))

    async def give(self, deps: Any) -> None:
        refund = await self.only("ListCodRefunds")
        await refunding.set_account(deps, refund.id, RefundAccount(**GIULIAS))

    async def export(self, deps: Any) -> None:
        await refund_exports.create_export(
            deps, CreateExport(None, None), self.key("CreateCodRefundExport")
        )

    async def pay(self, deps: Any) -> None:
        await refund_exports.mark_paid(deps, (await self.only("ListCodRefundExports")).id, ())

    async def fail(self, deps: Any) -> None:
        failure = Failure(((await self.only("ListCodRefunds")).id,), "AC04", account_is_wrong=False)
        export = await self.only("ListCodRefundExports")
        await refund_exports.mark_failed(deps, export.id, failure)

    async def retry(self, deps: Any) -> None:
        await refunding.retry_refund(deps, (await self.only("ListCodRefunds")).id)


@pytest.fixture
async def journey(shop) -> Journey:
    await shop.world.settings(refund_account=DEBTOR)
    cashier = Cashier(shop)
    return Journey(cashier, await cashier.collected())


async def check(journey: Journey) -> None:
    """Each step happened once."""
    refund = await journey.only("ListCodRefunds")
    assert (refund.state, refund.exports) == (refund.STATE_READY, 1)
    assert (await journey.only("ListCodRefundExports")).refunds == 1
    assert await journey.cashier.refunded_minor(journey.order) == 20_00
    assert await journey.cashier.shop.published(refund.id) == [
        "refund.requested",
        "refund.ready",
        "refund.exported",
        "refund.paid",
        "refund.failed",
        "refund.ready",
    ]


@pytest.mark.parametrize("struck", STEPS)
async def test_each_step_is_done_once_after_a_crash_before_any_statement(journey, struck):
    deps = journey.cashier.shop.world.deps
    for step in STEPS:
        if step != struck:
            await journey.make(step, deps)
            continue
        for statements in itertools.count():
            mortal = replace(deps, db=Mortal(deps.db, statements))
            with suppress(KilledError):
                await journey.make(step, mortal)
                break
        assert statements > 2
    await check(journey)


@pytest.mark.parametrize("struck", STEPS)
async def test_each_step_is_done_once_after_a_crash_before_its_answer(journey, struck):
    deps = journey.cashier.shop.world.deps
    for step in STEPS:
        if step == struck:
            with pytest.raises(ProcessDied):
                await journey.make(step, replace(deps, db=MortalDatabase(deps.db, commits=True)))
        await journey.make(step, deps)
    await check(journey)
