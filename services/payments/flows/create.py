"""Takes a payment: intent, commit, PSP, record; the next PSP only after a certain no."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from libs import context, idempotency, telemetry
from libs.dataclass_copies import copy_as
from libs.errors import Refusal
from libs.idempotency import Key
from libs.money import Money
from services.payments.deps import Deps
from services.payments.errors import NoPspAccount
from services.payments.events import PaymentMessages
from services.payments.flows import calling
from services.payments.flows.intent import write_intent
from services.payments.flows.record import answer_again, record_outcome
from services.payments.routing_cache import MerchantRouting
from services.payments.rules import retry, routing, sca, starting, tokens
from services.payments.rules.domain import NOBODY, Attempt, Candidate, Payment, Shopper
from services.payments.rules.states import INITIAL, CaptureMode, Initiator


@dataclass(frozen=True, slots=True)
class Token:
    """How a PSP account knows the instrument."""

    token: str
    psp_customer: str
    shopper: Shopper = NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePayment:
    amount: Money
    order_reference: str
    order_part: str
    velocity_subjects: tuple[str, ...]
    method: str
    instrument_id: str  # "" for an unsaved card: one token, valid for one charge
    brand: str
    last4: str
    country: str
    tokens: Mapping[str, Token]  # by name of the PSP account
    capture: CaptureMode = CaptureMode.NOW
    capture_delay: timedelta
    customer_id: str
    initiator: Initiator = Initiator.CUSTOMER
    mandate_reference: str
    return_url: str
    metadata: Mapping[str, str]
    history: sca.History | None
    description: str


async def create_payment(deps: Deps, cmd: CreatePayment, key: Key | None) -> bytes:
    """Returns the Payment message, the same for the same key. Raises NoPspAccount,
    PspAccountNotFound, and the errors of write_intent.
    """
    begun = await _begin(deps, cmd, key)
    if isinstance(begun, Refusal):
        return await _refuse(deps, key, begun)
    written = await write_intent(deps, key, *begun)
    if not written.claim.fresh:
        return await answer_again(deps, written.claim, key)
    return (await take_money(deps, written.payment, begun[1], key=key)).answer


async def _refuse(deps: Deps, key: Key | None, refusal: Refusal) -> bytes:
    """Refuses only if the key is new, and leaves it unused."""
    async with deps.db.transaction() as tx:
        claim = await idempotency.claim(tx, key, "", lock=retry.CALL_FOR)
        if claim.fresh:
            raise refusal  # which also rolls back the claim
    return await answer_again(deps, claim, key)


async def take_money(
    deps: Deps, payment: Payment, attempt: Attempt, *, key: Key | None = None
) -> PaymentMessages:
    """Sends a committed attempt and those that follow from its outcome."""
    following: Attempt | None = attempt
    messages = PaymentMessages(payment)
    while following is not None:
        outcome = await calling.perform(deps, messages.payment, following)
        recorded = await record_outcome(deps, messages.payment, following, outcome, key=key)
        messages, following = recorded.messages, recorded.next_attempt
    return messages


async def _begin(
    deps: Deps, cmd: CreatePayment, key: Key | None
) -> tuple[Payment, Attempt] | Refusal:
    """The payment and its first attempt."""
    call, now = context.current(), deps.clock.now()
    try:
        if not cmd.instrument_id:
            tokens.check_single_use(cmd.tokens.keys(), cmd.initiator)
        candidates = await _candidates(deps, cmd)
        capture_at = starting.capture_at(cmd.capture, now, cmd.capture_delay)
    except Refusal as refusal:
        return refusal
    payment = copy_as(
        Payment,
        cmd,
        merchant_id=context.merchant_id(),
        id=deps.new_id("pay"),
        state=INITIAL,
        amount_minor=cmd.amount.amount_minor,
        currency=cmd.amount.currency,
        capture_at=capture_at,
        candidates=candidates,
        created_at=now,
        capturable_minor=cmd.amount.amount_minor,
        trace_id=telemetry.trace_id(),
        traceparent=telemetry.traceparent(),
        actor=call.actor,
        caller=call.caller,
        caller_key=key.text if key else "",
    )
    return starting.authorisation(payment, candidates[0], attempt_id=deps.new_id("att"), now=now)


async def _candidates(deps: Deps, cmd: CreatePayment) -> tuple[Candidate, ...]:
    routed = await deps.routing_cache.of(context.merchant_id(), naming=cmd.tokens.keys())
    known = {name: routed.named(name) for name in cmd.tokens}
    names = list(known)
    if cmd.instrument_id:  # otherwise the rules have already chosen the card's field
        question = routing.Question(cmd.amount, cmd.method, cmd.brand, cmd.country)
        names = in_order(deps, routed, question, able=cmd.tokens)
    if not names:
        raise NoPspAccount
    return tuple(
        copy_as(
            Candidate,
            cmd.tokens[name],
            psp_account_id=known[name].id,
            psp_account=name,
            psp=known[name].psp,
            exemption=sca.exemption(
                cmd.amount,
                initiator=cmd.initiator,
                history=cmd.history,
                band=known[name].tra_band,
                single_use=not cmd.instrument_id,
            ),
        )
        for name in names
    )


def in_order(
    deps: Deps, routed: MerchantRouting, question: routing.Question, *, able: Collection[str]
) -> list[str]:
    """Names of the accounts to try, by the rules; accounts that currently do not answer go last."""
    ids = deps.breakers.open_accounts()
    return routing.candidates(
        routed.rules,
        question,
        accounts=routed.names,
        tokens=able,
        open_breakers={account.name for account in routed.accounts if account.id in ids},
        chance=deps.chance,
    )
