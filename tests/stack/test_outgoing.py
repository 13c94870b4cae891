"""Messages on the whole stack: what the simulated world reports of them comes back to notify."""

import asyncio
from uuid import uuid4

import aiohttp
import pytest


@pytest.fixture
async def api(stack, demo_merchant):
    headers = {"Authorization": f"Bearer {demo_merchant.secret_key}"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def call(method: str, path: str, body=None) -> dict:
            async with session.request(
                method, stack.url + path, json=body, headers={"Idempotency-Key": uuid4().hex}
            ) as answer:
                assert answer.ok, await answer.text()
                return await answer.json()

        yield call


async def state_of_message(api, channel: str, recipient: dict[str, str], *, wanted: str) -> str:
    """Sends a link there and waits until its message is in the wanted state."""
    order = {
        "amount": {"amount_minor": 12_900, "currency": "EUR"},
        "description": "Lampada",
        "order_reference": f"A-{uuid4().hex[:8]}",
        "recipient": recipient,
        "channels": [channel],
    }
    link = await api("POST", "/v1/payment-links", order)
    state = ""
    for _ in range(200):
        listed = await api("GET", f"/v1/messages?payment_link_id={link['id']}")
        state = listed["data"][0]["state"] if listed["data"] else ""
        if state == wanted:
            break
        await asyncio.sleep(0.1)
    return state


@pytest.mark.parametrize("local_part", ["bounce", "refused"])
async def test_mail_to_a_dead_mailbox_is_known_to_have_bounced(api, local_part):
    recipient = {"email": f"{local_part}+{uuid4().hex[:8]}@example.com"}
    assert await state_of_message(api, "email", recipient, wanted="bounced") == "bounced"


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
async def test_a_text_message_is_known_to_have_arrived(api, channel):
    recipient = {"phone": f"+39334{uuid4().int % 10**7:07d}"}
    assert await state_of_message(api, channel, recipient, wanted="delivered") == "delivered"
