"""The payments process is killed around the PSP call, and the PSP misbehaves: always one charge.

The sandbox is set to wait, or to book without answering; meanwhile payments is killed by SIGKILL and
the supervisor restarts it, as Kubernetes would. A charge, a capture and a refund, each of its own
payment, are in progress at the PSP at the same time.
"""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.conftest import RECOVERED_WITHIN_SECONDS, until_back
from tests.kit.connections import connected

OPERATIONS = ("charge", "capture", "refund")
# When the process dies: what the sandbox does with the call in progress.
MOMENTS = {
    "before the PSP has it": {"kind": "timeout_before", "seconds": 4},
    "while the PSP works": {"kind": "latency", "seconds": 2},
    "after the PSP booked it": {"kind": "timeout_after", "seconds": 4},
}
MISBEHAVIOURS = {
    "answers after our time-out": {"kind": "timeout_after", "seconds": 14},
    "answers 500 after booking": {"kind": "error_after"},
    "answers 500 before booking": {"kind": "error_before"},
    "drops the connection after booking": {"kind": "drop_after"},
    "drops the connection before booking": {"kind": "drop_before"},
}


@pytest.fixture(autouse=True)
async def recovered_from_the_last_test(shop):
    """The killed process is back and the others have reconnected to it."""
    await until_back(lambda: shop.customer("tok_visa"))


def money(amount_minor):
    return {"amount": {"amount_minor": amount_minor, "currency": "EUR"}}


@dataclass(frozen=True)
class Act:
    """A request to payments. Capture and refund act on an existing payment."""

    shop: Any
    operation: str
    customer: str
    order: str
    payment: dict[str, Any] | None
    key: str

    async def ask(self):
        if self.payment is None:
            return await self.shop.one_click(
                self.customer, 5000, key=self.key, order_reference=self.order
            )
        path = f"/v1/payments/{self.payment['id']}/{self.operation}"
        return await self.shop.call("POST", path, money(5000), key=self.key)

    async def final(self):
        """The payment once it is in the state that was asked for."""
        wanted = {"charge": "captured", "capture": "captured", "refund": "refunded"}[self.operation]

        async def shows_what_was_asked():
            found = (await self.shop.get(f"/v1/payments?order_reference={self.order}"))["data"]
            return next((payment for payment in found if payment["state"] == wanted), None)

        return await until_back(shows_what_was_asked, within_seconds=RECOVERED_WITHIN_SECONDS)

    async def again(self):
        """The answer to the same request, once there is one."""

        async def is_answered():
            answer = await self.ask()
            return answer.body if answer.status in (200, 201) else None

        return await until_back(is_answered)


async def prepared(shop, operation):
    customer, order = await shop.customer("tok_visa"), shop.next_order()
    payment = None
    if operation != "charge":
        mode = "manual" if operation == "capture" else "now"
        made = await shop.one_click(customer, 5000, capture=mode, order_reference=order)
        payment = made.expect(201)
    return Act(shop, operation, customer, order, payment, key=str(uuid4()))


@pytest.fixture
async def acts(shop):
    return [await prepared(shop, operation) for operation in OPERATIONS]


async def end_locks(stack, merchant):
    """Ends the dead process's locks on idempotency keys, which would last as long as the longest call."""
    async with connected(stack.database_url("payments")) as conn:
        await conn.execute(
            "UPDATE idempotency_keys SET locked_until = now() WHERE merchant_id = $1",
            merchant.merchant_id,
        )


async def expect_one_charge(booked, act, payment):
    (row,) = await booked(payment)
    assert row["captured_minor"] == 5000, act.operation
    assert row["refunded_minor"] == (5000 if act.operation == "refund" else 0)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_killed_process_leaves_exactly_one_charge(
    stack, merchant, set_faults, struck, booked, acts, moment
):
    await set_faults(*({"operation": of, "times": 1, **MOMENTS[moment]} for of in OPERATIONS))
    calls = [asyncio.create_task(act.ask()) for act in acts]
    await struck()
    stack.kill("payments")
    for answer in await asyncio.gather(*calls):
        assert answer.status in (200, 201, 409, 503), answer.body
    found = await asyncio.gather(*(act.final() for act in acts))
    for act, payment in zip(acts, found, strict=True):
        await expect_one_charge(booked, act, payment)
    await end_locks(stack, merchant)
    repeated = await asyncio.gather(*(act.again() for act in acts))
    assert [payment["id"] for payment in repeated] == [payment["id"] for payment in found]
    for act, payment in zip(acts, found, strict=True):
        await expect_one_charge(booked, act, payment)


@pytest.mark.parametrize("misbehaviour", MISBEHAVIOURS)
async def test_a_misbehaving_psp_leaves_exactly_one_charge(set_faults, booked, acts, misbehaviour):
    fault = MISBEHAVIOURS[misbehaviour]
    await set_faults(*({"operation": of, "times": 1, **fault} for of in OPERATIONS))
    for answer in await asyncio.gather(*(act.ask() for act in acts)):
        assert answer.status in (200, 201), answer.body
    found = await asyncio.gather(*(act.final() for act in acts))
    for act, payment in zip(acts, found, strict=True):
        await expect_one_charge(booked, act, payment)
