"""The payments process killed around the PSP call, and a PSP that misbehaves: one charge, always.

The sandbox is told to wait, or to book and be silent; meanwhile payments is killed by SIGKILL and
the supervisor starts it again, as Kubernetes would.
"""

import asyncio
import time
from uuid import uuid4

import aiohttp
import pytest

from stack.shop import JourneyFailedError

RECOVERED_WITHIN_SECONDS = 30
OPERATIONS = ("charge", "capture", "refund")
# Where the process dies, told to the sandbox as what it does with the call that is under way.
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
    """The killed process is back and the others are connected with it again."""
    for _ in range(50):
        try:
            await shop.customer("tok_visa")
        except (JourneyFailedError, aiohttp.ClientError):
            await asyncio.sleep(0.2)
        else:
            return
    pytest.fail("the stack did not recover from the last test")


def money(amount_minor):
    return {"amount": {"amount_minor": amount_minor, "currency": "EUR"}}


async def prepared(shop, operation):
    """A customer, and for capture and refund the payment that they act upon."""
    customer = await shop.customer("tok_visa")
    if operation == "charge":
        return customer, None
    mode = "manual" if operation == "capture" else "now"
    payment = (await shop.one_click(customer, 5000, capture=mode)).expect(201)
    return customer, payment


async def act(shop, operation, customer, payment, *, key, order):
    if operation == "charge":
        return await shop.one_click(customer, 5000, key=key, order_reference=order)
    path = f"/v1/payments/{payment['id']}/{operation}"
    return await shop.call("POST", path, money(5000), key=key)


async def final(shop, operation, order, payment):
    """The payment once it shows what was asked, within the promised time."""
    wanted = {"charge": "captured", "capture": "captured", "refund": "refunded"}[operation]
    deadline = time.monotonic() + RECOVERED_WITHIN_SECONDS
    found = {}
    while time.monotonic() < deadline:
        try:
            answer = await shop.call("GET", f"/v1/payments?order_reference={order}")
        except aiohttp.ClientError:
            answer = None
        if answer is not None and answer.status == 200 and answer.body["data"]:
            (found,) = answer.body["data"]
            if found["state"] == wanted:
                return found
        await asyncio.sleep(0.3)
    pytest.fail(f"still {found.get('state')} after {RECOVERED_WITHIN_SECONDS} s")
    return found


async def expect_one_charge(booked, operation, payment):
    (row,) = await booked(payment)
    assert row["captured_minor"] == 5000
    assert row["refunded_minor"] == (5000 if operation == "refund" else 0)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_killed_process_leaves_exactly_one_charge(
    stack, shop, set_faults, booked, operation, moment
):
    customer, payment = await prepared(shop, operation)
    order = payment["order_reference"] if payment else shop.next_order()
    key = str(uuid4())
    await set_faults({"operation": operation, "times": 1, **MOMENTS[moment]})
    call = asyncio.create_task(act(shop, operation, customer, payment, key=key, order=order))
    await asyncio.sleep(0.7)
    stack.kill("payments")
    killed = time.monotonic()
    answer = await call
    assert answer.status in (200, 201, 409, 503), answer.body
    found = await final(shop, operation, order, payment)
    assert time.monotonic() - killed < RECOVERED_WITHIN_SECONDS + 5
    await expect_one_charge(booked, operation, found)

    async def repeated():
        again = await act(shop, operation, customer, payment, key=key, order=order)
        return again if again.status in (200, 201) else None

    for _ in range(100):  # the key is locked for as long as a call may take
        if again := await repeated():
            break
        await asyncio.sleep(0.5)
    assert again.body["id"] == found["id"]
    await expect_one_charge(booked, operation, found)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("misbehaviour", MISBEHAVIOURS)
async def test_a_misbehaving_psp_leaves_exactly_one_charge(
    shop, set_faults, booked, operation, misbehaviour
):
    customer, payment = await prepared(shop, operation)
    order = payment["order_reference"] if payment else shop.next_order()
    await set_faults({"operation": operation, "times": 1, **MISBEHAVIOURS[misbehaviour]})
    answer = await act(shop, operation, customer, payment, key=str(uuid4()), order=order)
    assert answer.status in (200, 201), answer.body
    found = await final(shop, operation, order, payment)
    await expect_one_charge(booked, operation, found)
