"""Messages to commands, and back what is not a payment (those are in events.py)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from incasso.payments.v1 import payments_pb2 as pb
from libs import context, idempotency, wire
from libs.errors import invalid
from libs.money import exponent
from services.payments.events import POLICIES
from services.payments.flows.accounts import ShownAccount
from services.payments.flows.by_hand import SettleAttempt
from services.payments.flows.create import CreatePayment, Token
from services.payments.flows.instruments import SetUpInstrument
from services.payments.rules import sca
from services.payments.rules.by_hand import Found
from services.payments.rules.orders import DuplicatePolicy
from services.payments.rules.routing import Rule, Target
from services.payments.rules.states import DisputeState
from services.payments.store.attempts import Unresolved
from services.payments.store.operator_actions import OperatorAction
from services.payments.store.payments import CallersKey, Filter

_OUTCOMES: Final = wire.numbers(Found, pb.SettleAttemptRequest.Outcome)
_FOUND: Final = wire.members(Found, pb.SettleAttemptRequest.Outcome)
_POLICIES: Final = wire.members(DuplicatePolicy, pb.PaymentPolicy.DuplicateOrders)
_DISPUTE_STATES: Final = wire.members(DisputeState, pb.Dispute.State)


def create_payment(request: pb.CreatePaymentRequest) -> CreatePayment:
    call, history, card = context.current(), request.sca_history, request.instrument
    return wire.read(
        CreatePayment,
        request,
        merchant_id=context.merchant_id(),
        actor=call.actor,
        caller=call.caller,
        key=idempotency.key_of(request, "CreatePayment"),
        instrument_id=card.instrument_id,
        brand=card.brand,
        country=card.country,
        tokens={token.psp_account: Token(token.token, token.psp_customer) for token in card.tokens},
        capture_delay=timedelta(seconds=request.capture_delay_seconds),
        history=sca.History(history.payments_since_challenge, history.amount_since_challenge_minor)
        if request.HasField("sca_history")
        else None,
    )


def callers_key(request: pb.GetPaymentByKeyRequest | pb.ClosePaymentKeyRequest) -> CallersKey:
    return CallersKey(context.merchant_id(), context.current().caller, request.key)


def payment_filter(request: pb.ListPaymentsRequest) -> Filter:
    return wire.read(Filter, request)


def dispute_state(request: pb.ListDisputesRequest) -> DisputeState | None:
    return _DISPUTE_STATES.get(request.state)


def set_up(request: pb.SetUpInstrumentRequest) -> SetUpInstrument:
    return wire.read(
        SetUpInstrument,
        request,
        merchant_id=context.merchant_id(),
        key=idempotency.key_of(request, "SetUpInstrument"),
    )


def psp_account_pb(shown: ShownAccount) -> pb.PspAccount:
    return wire.message(
        pb.PspAccount,
        shown.account,
        publishable_key=shown.publishable_key or None,
        field_url=shown.field_url or None,
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
    low, high = wire.opt(rule, "amount_from_minor"), wire.opt(rule, "amount_to_minor")
    if low is not None and high is not None and low > high:
        raise invalid(
            f"routing.rules.{index}.amount_to_minor", "must not be below amount_from_minor"
        )
    if low is not None or high is not None:
        _check_currencies(rule, index)
    return wire.read(
        Rule,
        rule,
        targets=tuple(
            Target(t.psp_account, t.rank, t.weight if t.HasField("weight") else 1)
            for t in rule.targets
        ),
    )


def routing_pb(found: Sequence[Rule]) -> pb.Routing:
    return pb.Routing(rules=[wire.message(pb.RoutingRule, rule) for rule in found])


def policy(asked: pb.PaymentPolicy) -> DuplicatePolicy:
    return _POLICIES[asked.duplicate_orders]


def policy_pb(found: DuplicatePolicy) -> pb.PaymentPolicy:
    return pb.PaymentPolicy(duplicate_orders=POLICIES[found])


def settle_attempt(request: pb.SettleAttemptRequest) -> SettleAttempt:
    return wire.read(
        SettleAttempt,
        request,
        merchant_id=context.merchant_id(),
        found=_FOUND[request.outcome],
    )


def operator_action_pb(action: OperatorAction) -> pb.OperatorAction:
    return wire.message(pb.OperatorAction, action, outcome=_OUTCOMES[action.found])


def unresolved_pb(attempt: Unresolved) -> pb.UnresolvedAttempt:
    return wire.message(pb.UnresolvedAttempt, attempt, kind=attempt.kind.value)
