"""The demo's storefront: REST calls with their own traces, and the shopper's browser."""

import asyncio
import io
import random
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp

TIMEOUT_SECONDS = 60.0
UNREACHED_LIMITS = {
    "max_charge": {"amount_minor": 10**9, "currency": "EUR"},
    "max_daily": {"amount_minor": 10**11, "currency": "EUR"},
    "max_hourly_charges": 10**6,
}
UNFINISHED = frozenset({"outcome_unknown", "idempotency_key_in_use", "service_unavailable"})
REPEATED_AFTER_SECONDS = 0.5
SETTLED_STATES = frozenset({"captured", "authorised", "declined", "cancelled", "refunded"})


class JourneyFailedError(Exception):
    """A promise was broken; the message says which."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    trace_id: str

    def expect(self, status: int) -> Any:
        if self.status != status:
            raise JourneyFailedError(f"expected HTTP {status}, got {self.status}: {self.body}")
        return self.body


@dataclass
class Shop:
    http: aiohttp.ClientSession
    url: str
    secret_key: str
    sandbox_url: str
    localstripe_url: str
    lender_key: str = ""  # the second merchant's, whose clock may be advanced
    recorded: float = 1.0  # share of calls with a recorded trace
    run_id: str = field(default_factory=lambda: secrets.token_hex(4))
    payment_ids: list[str] = field(default_factory=list)
    orders: int = 0

    def lender(self) -> "Shop":
        """The storefront of the second merchant, with its own orders and payments."""
        return Shop(
            self.http,
            self.url,
            self.lender_key,
            self.sandbox_url,
            self.localstripe_url,
            recorded=self.recorded,
        )

    def traceparent(self, trace_id: str) -> str:
        flags = "01" if random.random() < self.recorded else "00"  # noqa: S311 - sampling only
        return f"00-{trace_id}-{secrets.token_hex(8)}-{flags}"

    def next_order(self) -> str:
        self.orders += 1
        return f"D-{self.run_id}-{self.orders}"

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        secret_key: str | None = None,
        client_secret: str | None = None,
    ) -> Answer:
        """One REST call as the root of a trace; writes carry an idempotency key."""
        trace_id = secrets.token_hex(16)
        headers = {
            "Authorization": f"Bearer {secret_key or self.secret_key}",
            "traceparent": self.traceparent(trace_id),
        }
        if method != "GET":
            headers["Idempotency-Key"] = key or str(uuid4())
        if client_secret is not None:
            headers["Incasso-Client-Secret"] = client_secret
        async with self.http.request(
            method, self.url + path, json=body, headers=headers
        ) as response:
            return Answer(response.status, await response.json(content_type=None), trace_id)

    async def completed(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Answer:
        """Repeats the call under the same key until its outcome is known, as a storefront has to."""
        key, deadline = str(uuid4()), time.monotonic() + TIMEOUT_SECONDS
        while True:
            answer = await self.call(method, path, body, key=key)
            known = answer.status < 400 or answer.body.get("code") not in UNFINISHED  # noqa: PLR2004 - HTTP
            if known or time.monotonic() > deadline:
                return answer
            await asyncio.sleep(REPEATED_AFTER_SECONDS)

    async def upload(self, path: str, data: bytes) -> Answer:
        """A call whose body is a file."""
        trace_id = secrets.token_hex(16)
        headers = {
            "Authorization": f"Bearer {self.secret_key}",
            "traceparent": self.traceparent(trace_id),
        }
        async with self.http.post(
            self.url + path, data=io.BytesIO(data), headers=headers
        ) as response:
            return Answer(response.status, await response.json(content_type=None), trace_id)

    async def get(self, path: str) -> Any:
        return (await self.call("GET", path)).expect(200)

    async def pages(self, path: str) -> AsyncIterator[Any]:
        """All rows of a list."""
        cursor, mark = "", "&" if "?" in path else "?"
        while True:
            page = await self.get(f"{path}{mark}limit=100{cursor}")
            for row in page["data"]:
                yield row
            if "next_cursor" not in page:
                return
            cursor = f"&cursor={page['next_cursor']}"

    async def lift_limits(self) -> None:
        """Lifts the limits of one-click charges, for tests that make thousands of them."""
        answer = await self.completed("PATCH", "/v1/one-click-policy", UNREACHED_LIMITS)
        answer.expect(200)

    async def customer(
        self,
        token: str,
        psp_account: str = "sandbox-a",
        *,
        email: str = "giulia@example.com",
        name: str = "Giulia Bianchi",
    ) -> str:
        """A new customer whose default instrument has this token."""
        made = await self.completed(
            "POST",
            "/v1/customers",
            {"email": email, "name": name, "locale": "it"},
        )
        customer_id: str = made.expect(201)["id"]
        await self.attach(customer_id, token, psp_account, make_default=True)
        return customer_id

    async def attach(
        self, customer_id: str, token: str, psp_account: str, *, make_default: bool = False
    ) -> dict[str, Any]:
        accepted_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        answer = await self.completed(
            "POST",
            f"/v1/customers/{customer_id}/instruments",
            {
                "psp_account": psp_account,
                "token": token,
                "make_default": make_default,
                "consent": {"text_version": "2026-11", "accepted_at": accepted_at},
                "return_url": f"{self.url}/healthz/live",
            },
        )
        instrument: dict[str, Any] = answer.expect(201)
        if instrument["state"] == "requires_action":
            await self.approve(instrument["next_action"]["url"])
        return instrument

    async def one_click(
        self, customer_id: str, amount_minor: int, *, key: str | None = None, **more: Any
    ) -> Answer:
        body = {
            "customer_id": customer_id,
            "amount": {"amount_minor": amount_minor, "currency": "EUR"},
            "order_reference": more.pop("order_reference", None) or self.next_order(),
            **more,
        }
        answer = await self.call("POST", "/v1/one-click-payments", body, key=key)
        if answer.status == 201 and answer.body["id"] not in self.payment_ids:  # noqa: PLR2004 - HTTP
            self.payment_ids.append(answer.body["id"])
        return answer

    async def link(self, amount_minor: int, *, key: str | None = None, **more: Any) -> Answer:
        """A payment link; not sent unless `channels` and `recipient` are given."""
        body = {
            "amount": {"amount_minor": amount_minor, "currency": "EUR"},
            "description": "Order",
            "order_reference": more.pop("order_reference", None) or self.next_order(),
            **more,
        }
        return await self.call("POST", "/v1/payment-links", body, key=key)

    async def link_in(self, link_id: str, *states: str, within_seconds: float = 60.0) -> Any:
        """The link once it is in one of these states."""
        deadline = time.monotonic() + within_seconds
        while True:
            link = await self.get(f"/v1/payment-links/{link_id}")
            if link["state"] in states:
                return link
            if time.monotonic() > deadline:
                raise JourneyFailedError(f"{link_id} is still {link['state']}")
            await asyncio.sleep(0.1)

    async def inbox(self, to: str, *, count: int = 1, within_seconds: float = 60.0) -> list[Any]:
        """The sandbox's messages to an address, newest first, once there are `count` of them."""
        deadline = time.monotonic() + within_seconds
        while True:
            async with self.http.get(
                f"{self.sandbox_url}/inbox/messages", params={"to": to}
            ) as answer:
                answer.raise_for_status()
                found: list[Any] = (await answer.json())["data"]
            if len(found) >= count:
                return found
            if time.monotonic() > deadline:
                raise JourneyFailedError(f"{len(found)} of {count} messages arrived for {to}")
            await asyncio.sleep(0.1)

    async def settled(self, payment_id: str, *, within_seconds: float = 60.0) -> Any:
        """The payment once its outcome is known."""
        deadline = time.monotonic() + within_seconds
        while True:
            payment = await self.get(f"/v1/payments/{payment_id}")
            if payment["state"] in SETTLED_STATES:
                return payment
            if time.monotonic() > deadline:
                raise JourneyFailedError(f"{payment_id} is still {payment['state']}")
            await asyncio.sleep(0.2)

    async def approve(self, challenge_url: str) -> None:
        """Approves the challenge on the PSP's 3-D Secure page, as the shopper."""
        async with self.http.get(challenge_url) as page:
            page.raise_for_status()
        async with self.http.post(
            challenge_url, data={"decision": "approve"}, allow_redirects=False
        ) as answer:
            if answer.status >= 400:  # noqa: PLR2004 - HTTP
                raise JourneyFailedError(f"the challenge page answers {answer.status}")

    async def stripe_card(self, number: str) -> str:
        """Exchanges a card for a payment method, as Stripe's field in the browser does."""
        form = {
            "type": "card",
            "card[number]": number,
            "card[exp_month]": "12",
            "card[exp_year]": "2032",
            "card[cvc]": "123",
        }
        headers = {"Authorization": "Bearer sk_test_localstripe"}
        async with self.http.post(
            f"{self.localstripe_url}/v1/payment_methods", data=form, headers=headers
        ) as answer:
            answer.raise_for_status()
            method_id: str = (await answer.json())["id"]
            return method_id

    async def books(self) -> dict[str, dict[str, Any]]:
        """The sandbox's own books: charges by their id at the PSP."""
        async with self.http.get(f"{self.sandbox_url}/books/charges") as answer:
            return {row["id"]: row for row in (await answer.json())["data"]}

    async def charge(self, charge_id: str) -> dict[str, Any]:
        """One charge from the sandbox's books."""
        query = {"id": charge_id}
        async with self.http.get(f"{self.sandbox_url}/books/charges", params=query) as answer:
            answer.raise_for_status()
            found: list[dict[str, Any]] = (await answer.json())["data"]
        if len(found) != 1:
            raise JourneyFailedError(f"the sandbox has {len(found)} charges {charge_id}")
        return found[0]

    async def stripe_book(self, intent_id: str) -> dict[str, Any] | None:
        """The PaymentIntent at localstripe, as a row like those of the sandbox's books."""
        headers = {"Authorization": "Bearer sk_test_localstripe"}
        url = f"{self.localstripe_url}/v1/payment_intents/{intent_id}"
        async with self.http.get(url, headers=headers) as answer:
            if answer.status != 200:  # noqa: PLR2004 - HTTP
                return None
            intent = await answer.json()
        refunded = sum(charge["amount_refunded"] for charge in intent["charges"]["data"])
        return {"captured_minor": intent["amount_received"], "refunded_minor": refunded}
