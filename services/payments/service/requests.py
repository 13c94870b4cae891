"""Messages to commands, and back what is not a payment (those are in events.py)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from incasso.payments.v1 import payments_pb2 as pb
from libs import context, idempotency, wire
from libs.errors import invalid
from libs.money import Money, exponent
from services.payments.events import POLICIES
from services.payments.flows.accounts import ShownAccount
from services.payments.flows.by_hand import SettleAttempt
from services.payments.flows.create import CreatePayment, Token
from services.payments.flows.instruments import SetUpInstrument
from services.payments.rules import sca
from services.payments.rules.by_hand import Found
from services.payments.rules.orders import DuplicatePolicy
from services.payments.rules.routing import Rule, Target
from services.payments.rules.states import CaptureMode, DisputeState, Initiator, State
from services.payments.store.attempts import Unresolved
from services.payments.store.operator_actions import OperatorAction
from services.payments.store.payments import CallersKey, Filter

_CAPTURES: Final = {
    pb.CAPTURE_MODE_UNSPECIFIED: CaptureMode.NOW,
    pb.CAPTURE_MODE_NOW: CaptureMode.NOW,
    pb.CAPTURE_MODE_MANUAL: CaptureMode.MANUAL,
    pb.CAPTURE_MODE_DELAYED: CaptureMode.DELAYED,
}
_INITIATORS: Final = {
    pb.INITIATOR_UNSPECIFIED: Initiator.CUSTOMER,
    pb.INITIATOR_CUSTOMER: Initiator.CUSTOMER,
    pb.INITIATOR_MERCHANT: Initiator.MERCHANT,
}
_OUTCOMES: Final = {
    found: pb.SettleAttemptRequest.Outcome.Value(f"OUTCOME_{found.name}") for found in Found
}
_FOUND: Final = {outcome: found for found, outcome in _OUTCOMES.items()}
_STATES: Final = {pb.Payment.State.Value(f"STATE_{s.name}"): s for s in State}
_POLICIES: Final = {value: policy for policy, value in POLICIES.items()}
_DISPUTE_STATES: Final = {pb.Dispute.State.Value(f"STATE_{s.name}"): s for s in DisputeState}


def create_payment(request: pb.CreatePaymentRequest) -> CreatePayment:
    call = context.current()
    history = request.sca_history
    return CreatePayment(
        merchant_id=context.merchant_id(),
        actor=call.actor,
        caller=call.caller,
        key=idempotency.key_of(request, "CreatePayment"),
        amount=wire.money_of(request.amount),
        order_reference=request.order_reference,
        order_part=request.order_part,
        velocity_subjects=tuple(request.velocity_subjects),
        method=request.method,
        instrument_id=request.instrument.instrument_id,
        brand=request.instrument.brand,
        country=request.instrument.country,
        tokens={
            token.psp_account: Token(token.token, token.psp_customer)
            for token in request.instrument.tokens
        },
        capture=_CAPTURES[request.capture],
        capture_delay=timedelta(seconds=request.capture_delay_seconds),
        customer_id=request.customer_id,
        initiator=_INITIATORS[request.initiator],
        mandate_reference=request.mandate_reference,
        return_url=request.return_url,
        metadata=dict(request.metadata),
        history=sca.History(history.payments_since_challenge, history.amount_since_challenge_minor)
        if request.HasField("sca_history")
        else None,
        description=request.description,
    )


def callers_key(request: pb.GetPaymentByKeyRequest | pb.ClosePaymentKeyRequest) -> CallersKey:
    return CallersKey(context.merchant_id(), context.current().caller, request.key)


def amount(request: pb.CapturePaymentRequest | pb.RefundPaymentRequest) -> Money | None:
    return wire.money_of(request.amount) if request.HasField("amount") else None


def payment_filter(request: pb.ListPaymentsRequest) -> Filter:
    return Filter(
        state=_STATES.get(request.state),
        created_from=wire.time_of(request.created_from)
        if request.HasField("created_from")
        else None,
        created_to=wire.time_of(request.created_to) if request.HasField("created_to") else None,
        order_reference=request.order_reference if request.HasField("order_reference") else None,
        customer_id=request.customer_id if request.HasField("customer_id") else None,
    )


def dispute_state(request: pb.ListDisputesRequest) -> DisputeState | None:
    return _DISPUTE_STATES.get(request.state)


def set_up(request: pb.SetUpInstrumentRequest) -> SetUpInstrument:
    return SetUpInstrument(
        merchant_id=context.merchant_id(),
        key=idempotency.key_of(request, "SetUpInstrument"),
        psp_account=request.psp_account,
        token=request.token,
        customer_id=request.customer_id,
        email=request.email,
        return_url=request.return_url,
        psp_customer=request.psp_customer,
        velocity_subjects=tuple(request.velocity_subjects),
    )


def psp_account_pb(shown: ShownAccount) -> pb.PspAccount:
    return pb.PspAccount(
        id=shown.account.id,
        name=shown.account.name,
        psp=shown.account.psp,
        publishable_key=shown.publishable_key or None,
        field_url=shown.field_url or None,
        created_at=wire.timestamp(shown.account.created_at),
    )


def rules(routing: pb.Routing) -> tuple[Rule, ...]:
    return tuple(_rule(rule, index) for index, rule in enumerate(routing.rules))


def _check_currencies(rule: pb.RoutingRule, index: int) -> None:
    """A number is an amount only in a currency: 5000 is 50.00 EUR and 5000 JPY."""
    if len({exponent(currency) for currency in rule.currencies}) != 1:
        raise invalid(
            f"routing.rules.{index}.currencies",
            "must name the currencies of the amounts, all with as many decimal places",
        )


def _rule(rule: pb.RoutingRule, index: int) -> Rule:
    low = rule.amount_from_minor if rule.HasField("amount_from_minor") else None
    high = rule.amount_to_minor if rule.HasField("amount_to_minor") else None
    if low is not None and high is not None and low > high:
        raise invalid(
            f"routing.rules.{index}.amount_to_minor", "must not be below amount_from_minor"
        )
    if low is not None or high is not None:
        _check_currencies(rule, index)
    return Rule(
        targets=tuple(
            Target(t.psp_account, t.rank, t.weight if t.HasField("weight") else 1)
            for t in rule.targets
        ),
        currencies=tuple(rule.currencies),
        amount_from_minor=low,
        amount_to_minor=high,
        methods=tuple(rule.methods),
        brands=tuple(rule.brands),
        countries=tuple(rule.countries),
    )


def routing_pb(found: Sequence[Rule]) -> pb.Routing:
    return pb.Routing(
        rules=[
            pb.RoutingRule(
                currencies=rule.currencies,
                amount_from_minor=rule.amount_from_minor,
                amount_to_minor=rule.amount_to_minor,
                methods=rule.methods,
                brands=rule.brands,
                countries=rule.countries,
                targets=[
                    pb.RoutingTarget(psp_account=t.psp_account, rank=t.rank, weight=t.weight)
                    for t in rule.targets
                ],
            )
            for rule in found
        ]
    )


def policy(asked: pb.PaymentPolicy) -> DuplicatePolicy:
    return _POLICIES[asked.duplicate_orders]


def policy_pb(found: DuplicatePolicy) -> pb.PaymentPolicy:
    return pb.PaymentPolicy(duplicate_orders=POLICIES[found])


def settle_attempt(request: pb.SettleAttemptRequest) -> SettleAttempt:
    return SettleAttempt(
        merchant_id=context.merchant_id(),
        attempt_id=request.attempt_id,
        found=_FOUND[request.outcome],
        operator=request.operator,
        note=request.note,
        psp_reference=request.psp_reference,
    )


def operator_action_pb(action: OperatorAction) -> pb.OperatorAction:
    assert action.acted_at is not None  # it was read
    return pb.OperatorAction(
        id=action.id,
        merchant_id=action.merchant_id,
        payment_id=action.payment_id,
        attempt_id=action.attempt_id,
        outcome=_OUTCOMES[action.found],
        operator=action.operator,
        note=action.note,
        acted_at=wire.timestamp(action.acted_at),
        trace_id=action.trace_id,
    )


def unresolved_pb(attempt: Unresolved) -> pb.UnresolvedAttempt:
    return pb.UnresolvedAttempt(
        id=attempt.id,
        payment_id=attempt.payment_id,
        merchant_id=attempt.merchant_id,
        kind=attempt.kind.value,
        psp_account=attempt.psp_account,
        amount_minor=attempt.amount_minor,
        created_at=wire.timestamp(attempt.created_at),
        recovery_tries=attempt.recovery_tries,
    )
