"""Stripe through its official SDK. Knows the calls; mapping.py interprets the answers.

PaymentIntents are created and confirmed in one request, with our attempt's id as idempotency key.
We do our own retries, so the SDK makes none.
"""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final, TypeVar

import aiohttp
import stripe

from services.payments.connectors import signatures
from services.payments.connectors.base import (
    Asked,
    Authorisation,
    Credentials,
    InstrumentSetup,
    Notice,
    Operation,
    Settlements,
    SetupOutcome,
    WebhookMalformedError,
    WebhookSignatureError,
)
from services.payments.connectors.declines import declined
from services.payments.connectors.stripe import (
    mapping,
    notices,
    parameters,
    payouts,
    refusals,
    search,
)
from services.payments.connectors.stripe.mapping import Json
from services.payments.connectors.stripe.paging import every
from services.payments.connectors.transport import TIMEOUT, UNREADABLE
from services.payments.rules.outcomes import (
    Approved,
    DeclineCode,
    Declined,
    NotFound,
    Outcome,
    Unknown,
)
from services.payments.rules.states import AttemptKind

# The version for which the mappings were written; a new SDK brings a new one, which a test notices.
API_VERSION: Final = "2026-10-28.endive"
FIELD_URL: Final = "https://js.stripe.com/v3/"
SIGNATURE_HEADER: Final = "stripe-signature"
Read = TypeVar("Read")


class StripeConnector:
    def __init__(
        self,
        credentials: Credentials,
        session: aiohttp.ClientSession,
        clock: Callable[[], float] = time.time,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> None:
        api = credentials.get("api_base") or stripe.DEFAULT_API_BASE
        client = stripe.StripeClient(
            credentials["secret_key"],
            base_addresses={"api": api.rstrip("/")},
            stripe_version=API_VERSION,
            max_network_retries=0,
            http_client=stripe.AIOHTTPClient(timeout=timeout, session=session),
        )
        self._api = client.v1
        self._webhook_secret = credentials["webhook_secret"]
        self._publishable_key = credentials["publishable_key"]
        self._field_url = credentials.get("field_url") or FIELD_URL
        self._clock = clock

    async def authorise(self, charge: Authorisation) -> Outcome:
        token = charge.token
        method = await self._payment_method(token, key=charge.key) if token else None
        if isinstance(method, Declined | Unknown):
            return method
        try:
            request = parameters.payment_intent(charge, payment_method=method)
        except ValueError:
            return declined(DeclineCode.REQUEST_REFUSED, psp_code="amount")
        call = self._api.payment_intents.create_async(request, {"idempotency_key": charge.key})
        return await _write(call, mapping.authorisation)

    async def capture(self, operation: Operation) -> Outcome:
        try:
            request = parameters.capture(operation)
        except ValueError:
            return declined(DeclineCode.REQUEST_REFUSED, psp_code="amount")
        call = self._api.payment_intents.capture_async(
            operation.psp_reference, request, {"idempotency_key": operation.key}
        )
        return await _write(call, lambda intent: mapping.settled(mapping.capture(intent)))

    async def cancel(self, operation: Operation) -> Outcome:
        call = self._api.payment_intents.cancel_async(
            operation.psp_reference, options={"idempotency_key": operation.key}
        )

        def read(intent: Json) -> Outcome:
            return mapping.settled(mapping.cancellation(intent, operation.amount_minor))

        def refused(error: Exception) -> Outcome:
            if refusals.is_cancelled_already(error):
                return Approved(operation.psp_reference, operation.amount_minor)
            return refusals.outcome(error)

        return await _write(call, read, refused)

    async def refund(self, operation: Operation) -> Outcome:
        try:
            request = parameters.refund(operation)
        except ValueError:
            return declined(DeclineCode.REQUEST_REFUSED, psp_code="amount")
        call = self._api.refunds.create_async(request, {"idempotency_key": operation.key})
        return await _write(call, mapping.refund)

    async def look_up(self, asked: Asked) -> Outcome | NotFound:
        try:
            found = await self._find(asked)
        except refusals.TROUBLE as error:
            return Unknown(refusals.why(error))
        except UNREADABLE as error:
            return _unreadable(error)
        if isinstance(found, NotFound) and search.may_be_at_work(asked.key, self._clock()):
            return Unknown("Stripe may still be at work on it")
        return found

    async def _find(self, asked: Asked) -> Outcome | NotFound:
        if asked.kind is AttemptKind.REFUND:
            return await self._find_refund(asked)
        if asked.psp_reference:
            intent = await self._api.payment_intents.retrieve_async(asked.psp_reference)
            return mapping.intent_state(asked.kind, intent.to_dict(), asked.amount_minor)
        made = search.made_at(asked.key)
        if asked.kind is not AttemptKind.AUTHORISE or made is None:
            return Unknown("no reference or time to look it up by")
        since, until = search.period(asked.kind, made)
        request = parameters.intents_made(since=since, until=until, psp_customer=asked.psp_customer)
        listed = every(await self._api.payment_intents.list_async(request))
        return await _first_of(asked.key, listed, mapping.authorisation)

    async def _find_refund(self, asked: Asked) -> Outcome | NotFound:
        """Finds it by its own reference, its PaymentIntent's, or its creation time."""
        if asked.operation_reference:
            found = await self._api.refunds.retrieve_async(asked.operation_reference)
            return mapping.refund(found.to_dict())
        if asked.psp_reference:
            request = parameters.refunds_of(asked.psp_reference)
        else:
            made = search.made_at(asked.key)
            if made is None:
                return Unknown("no reference or time to look it up by")
            since, until = search.period(asked.kind, made)
            request = parameters.refunds_made(since=since, until=until)
        listed = every(await self._api.refunds.list_async(request))
        return await _first_of(asked.key, listed, mapping.refund)

    async def set_up_instrument(self, setup: InstrumentSetup) -> SetupOutcome:
        customer: str | Declined | Unknown = setup.psp_customer
        if not customer:
            key = f"{setup.key}-customer"
            made = self._api.customers.create_async(
                parameters.customer(setup), {"idempotency_key": key}
            )
            customer = await _write(made, _id)
        if not isinstance(customer, str):
            return customer
        method = await self._payment_method(setup.token, key=setup.key)
        if not isinstance(method, str):
            return method
        request = parameters.setup_intent(setup, psp_customer=customer, payment_method=method)
        call = self._api.setup_intents.create_async(request, {"idempotency_key": setup.key})
        result = await _write(
            call, lambda made: (mapping.instrument(made, customer), mapping.open_setup(made))
        )
        if isinstance(result, Declined | Unknown):
            return result
        outcome, still_open = result
        return await self._setup_by_now(still_open, customer, outcome) if still_open else outcome

    async def _setup_by_now(
        self, setup_intent: str, psp_customer: str, at_first: SetupOutcome
    ) -> SetupOutcome:
        """Stripe replays its first answer: whether the challenge is over is looked up
        separately.
        """
        by_now = await _write(
            self._api.setup_intents.retrieve_async(setup_intent, parameters.shown_setup_intent()),
            lambda found: mapping.instrument(found, psp_customer),
            lambda error: Unknown(refusals.why(error)),
        )
        return at_first if isinstance(by_now, Unknown) else by_now

    async def _payment_method(self, token: str, *, key: str) -> str | Declined | Unknown:
        """A repeat under the same key gets the same payment method, although its token is used up
        by then.
        """
        if not token.startswith(parameters.TOKEN_PREFIX):
            return token
        call = self._api.payment_methods.create_async(
            parameters.method_of_token(token), {"idempotency_key": f"{key}-method"}
        )
        return await _write(call, _id)

    async def remove_instrument(self, token: str) -> bool:
        try:
            await self._api.payment_methods.detach_async(
                token, options={"idempotency_key": f"{token}-detach"}
            )
        except stripe.InvalidRequestError:
            return True  # not attached, or does not exist: it cannot be charged
        except refusals.TROUBLE:
            return False
        return True

    def parse_webhook(self, body: bytes, headers: Mapping[str, str], now: float) -> Notice:
        header = headers.get(SIGNATURE_HEADER, "")
        signatures.fresh_parts(header, now=now)
        try:
            stripe.WebhookSignature.verify_header(body, header, self._webhook_secret)
        except (stripe.SignatureVerificationError, TypeError, ValueError) as error:
            raise WebhookSignatureError("the signature does not match") from error
        try:
            return notices.notice(json.loads(body))
        except UNREADABLE as error:
            raise WebhookMalformedError("not an event of Stripe") from error

    async def settlements(self, cursor: str, *, since: datetime) -> Settlements | Unknown:
        """One page of one payout's lines; a payout without lines is an empty page."""
        try:
            return await payouts.page(self._api, cursor, since=int(since.timestamp()))
        except refusals.TROUBLE as error:
            return Unknown(refusals.why(error))
        except UNREADABLE as error:
            return _unreadable(error)

    @property
    def field(self) -> tuple[str, str]:
        return self._publishable_key, self._field_url

    async def close(self) -> None:
        """The session belongs to its creator."""


async def _write(
    call: Awaitable[stripe.StripeObject],
    read: Callable[[Json], Read],
    refused: Callable[[Exception], Read | Declined | Unknown] = refusals.outcome,
) -> Read | Declined | Unknown:
    try:
        return read((await call).to_dict())
    except refusals.TROUBLE as error:
        return refused(error)
    except UNREADABLE as error:
        return _unreadable(error)


async def _first_of(
    key: str, listed: AsyncIterator[Json], read: Callable[[Json], Outcome]
) -> Outcome | NotFound:
    async for stored in listed:
        if mapping.attempt_of(stored) == key:
            return read(stored)
    return NotFound()


def _id(stored: Json) -> str:
    return str(stored["id"])


def _unreadable(error: Exception) -> Unknown:
    return Unknown(f"an unreadable answer: {type(error).__name__}")
