"""Calls PSPs, never inside a transaction. PSP failures are outcomes, not exceptions."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar, assert_never

from libs import deadlines, telemetry
from libs.logs import log
from services.payments.connectors.base import Asked, Authorisation, Connector, Operation
from services.payments.deps import Deps
from services.payments.errors import CredentialsMissing
from services.payments.rules import tokens
from services.payments.rules.domain import Attempt, Payment
from services.payments.rules.outcomes import DeclineCode, Declined, NotFound, Outcome, Unknown
from services.payments.rules.states import AttemptKind, CaptureMode
from services.payments.store.accounts import PspAccount

T = TypeVar("T")


async def perform(deps: Deps, payment: Payment, attempt: Attempt) -> Outcome:
    """Sends the call of `attempt`. Its row is committed; its id is the PSP's key."""
    account = await deps.routing_cache.account(attempt.merchant_id, attempt.psp_account_id)
    try:
        connector = deps.psps.connector(account)
    except CredentialsMissing:
        log.error("credentials are missing", psp_account=account.name)
        return Declined(DeclineCode.PSP_UNAVAILABLE, "The PSP account has no credentials.")

    async def send() -> Outcome:
        call = _call(deps, connector, payment, attempt)
        return await ask(attempt.kind.value, account, call, attempt_id=attempt.id)

    if attempt.kind is AttemptKind.AUTHORISE:
        return await deps.breakers.guard(account.id, account.name, send)
    return await send()


async def look_up(deps: Deps, payment: Payment, attempt: Attempt) -> Outcome | NotFound:
    """What the PSP knows about an earlier call."""
    account = await deps.routing_cache.account(attempt.merchant_id, attempt.psp_account_id)
    try:
        connector = deps.psps.connector(account)
    except CredentialsMissing:
        return Unknown("the credentials are missing")
    is_charge = attempt.kind is AttemptKind.AUTHORISE
    asked = Asked(
        key=attempt.id,
        kind=attempt.kind,
        psp_reference=attempt.psp_reference if is_charge else payment.charge_of(attempt),
        amount_minor=attempt.amount_minor,
        currency=payment.currency,
        psp_customer=attempt.psp_customer,
        operation_reference="" if is_charge else attempt.psp_reference,
    )
    return await ask("look up", account, lambda: connector.look_up(asked), attempt_id=attempt.id)


async def ask(
    name: str, account: PspAccount, call: Callable[[], Awaitable[T]], *, attempt_id: str = ""
) -> T | Unknown:
    """Runs a connector's call in a span, with a time limit. An exception becomes Unknown."""
    with telemetry.span(
        f"psp {name}",
        kind=telemetry.SpanKind.CLIENT,
        attributes={
            "incasso.psp": account.psp,
            "incasso.psp_account": account.name,
            "incasso.attempt_id": attempt_id,
        },
    ) as span:
        try:
            async with asyncio.timeout(deadlines.PSP + 1):
                answer = await call()
        except TimeoutError:
            return Unknown("the PSP did not answer in time")
        except Exception as error:  # noqa: BLE001 - whatever failed, the PSP may have done it
            log.error("connector failed", psp=account.psp, attempt_id=attempt_id, exc_info=error)
            return Unknown("the connector failed")
        span.set_attribute("incasso.outcome", type(answer).__name__)
        return answer


def _call(
    deps: Deps, connector: Connector, payment: Payment, attempt: Attempt
) -> Callable[[], Awaitable[Outcome]]:
    match attempt.kind:
        case AttemptKind.AUTHORISE:
            charge = authorisation_of(payment, attempt, deps.public_url)
            return lambda: connector.authorise(charge)
        case AttemptKind.CAPTURE:
            return lambda: connector.capture(operation_of(payment, attempt))
        case AttemptKind.CANCEL:
            return lambda: connector.cancel(operation_of(payment, attempt))
        case AttemptKind.REFUND:
            return lambda: connector.refund(operation_of(payment, attempt))
        case _:
            assert_never(attempt.kind)


def authorisation_of(payment: Payment, attempt: Attempt, public_url: str) -> Authorisation:
    """The same for each retry of an attempt: PSPs refuse a key with a different body."""
    method = tokens.method_of(attempt.token)
    return Authorisation(
        key=attempt.id,
        payment_id=payment.id,
        amount_minor=attempt.amount_minor,
        currency=payment.currency,
        token="" if method else attempt.token,
        psp_customer=attempt.psp_customer,
        capture=payment.capture is CaptureMode.NOW,
        exemption=attempt.exemption,
        force_challenge=attempt.force_challenge,
        mandate_reference=payment.mandate_reference,
        return_url=f"{public_url}/return/{payment.id}",
        order_reference=payment.order_reference,
        description=payment.description,
        method=method,
        shopper=payment.candidate(attempt.psp_account_id).shopper,
    )


def operation_of(payment: Payment, attempt: Attempt) -> Operation:
    return Operation(
        key=attempt.id,
        kind=attempt.kind,
        psp_reference=payment.charge_of(attempt),
        amount_minor=attempt.amount_minor,
        currency=payment.currency,
    )
