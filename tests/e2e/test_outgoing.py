"""Messages on the whole stack: the simulated world's delivery reports reach notify."""

from uuid import uuid4

import aiohttp
import pytest

from tests.waiting import until


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


async def message_is(api, state: str, channel: str, recipient: dict[str, str]) -> None:
    """Sends a link there and waits until its message is in this final state."""
    order = {
        "amount": {"amount_minor": 12_900, "currency": "EUR"},
        "description": "Lampada",
        "order_reference": f"A-{uuid4().hex[:8]}",
        "recipient": recipient,
        "channels": [channel],
    }
    link = await api("POST", "/v1/payment-links", order)

    async def reached() -> bool:
        listed = await api("GET", f"/v1/messages?payment_link_id={link['id']}")
        return [message["state"] for message in listed["data"]] == [state]

    await until(reached, every_seconds=0.1)


@pytest.mark.parametrize("local_part", ["bounce", "refused"])
async def test_mail_to_a_dead_mailbox_is_marked_bounced(api, local_part):
    recipient = {"email": f"{local_part}+{uuid4().hex[:8]}@example.com"}
    await message_is(api, "bounced", "email", recipient)


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
async def test_a_text_message_is_marked_delivered(api, channel):
    recipient = {"phone": f"+39334{uuid4().int % 10**7:07d}"}
    await message_is(api, "delivered", channel, recipient)
