"""Instalment plans: some are paid part by part, one is late, one is settled early, one is refunded,
one waits for its customer and one for a review.
"""

import asyncio
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from stack.demo_data.front import Front
from stack.demo_data.people import PEOPLE
from stack.instalment_journeys import planned, replace_card, signed
from stack.shop import TIMEOUT_SECONDS

LATE_CARD: Final = "tok_insufficient_funds"
BUSY: Final = "plan_busy"
TERMS: Final = {
    "name": "Quattro rate ogni due settimane",
    "currency": "EUR",
    "payments": 4,
    "every": {"unit": "week", "n": 2},
}


async def terms(front: Front) -> str:
    return str((await front.write("/v1/instalment-terms", TERMS))["id"])


async def begin(front: Front, number: int, amount_minor: int, terms_id: str) -> str:
    """A plan whose first part is paid."""
    person = PEOPLE[number]
    customer = await front.customer("tok_visa", email=person.email, name=person.name)
    plan = (await signed(front, customer, amount_minor, terms_id=terms_id)).expect(200)
    return str(plan["id"])


async def offered(front: Front, number: int, amount_minor: int) -> None:
    """A plan that is not signed yet."""
    person = PEOPLE[number]
    customer = await front.customer("tok_visa", email=person.email, name=person.name)
    await planned(front, customer, amount_minor)


async def reviewed(front: Front, number: int, amount_minor: int) -> None:
    """A plan above the customer's limit, which the shop must review."""
    person = PEOPLE[number]
    customer = await front.customer("tok_visa", email=person.email, name=person.name)
    answer = await signed(front, customer, amount_minor)
    if answer.status != HTTPStatus.CONFLICT:
        answer.expect(HTTPStatus.OK)


async def fall_behind(front: Front, plan_id: str) -> None:
    """Replaces the card, so that its next parts are declined."""
    await replace_card(front, await front.get(f"/v1/instalment-plans/{plan_id}"), LATE_CARD)


async def settle(front: Front, plan_id: str) -> None:
    await _once_free(front, f"/v1/instalment-plans/{plan_id}/settle", {})


async def give_back(front: Front, plan_id: str) -> None:
    part = {"amount": {"amount_minor": 2_000, "currency": "EUR"}}
    await _once_free(front, f"/v1/instalment-plans/{plan_id}/refund", part)


async def _once_free(front: Front, path: str, body: Mapping[str, Any]) -> None:
    """Retries while a payment of the plan is in progress."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        answer = await front.completed("POST", path, body)
        if answer.status < HTTPStatus.BAD_REQUEST:
            return
        if answer.body["code"] != BUSY or time.monotonic() > deadline:
            answer.expect(HTTPStatus.OK)
        await asyncio.sleep(0.2)
