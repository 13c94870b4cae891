"""The gRPC door of payments: message to command, one flow, result to message. Decides nothing."""

from datetime import timedelta
from typing import Any, Final, TypeAlias

import grpc

from incasso.payments.v1 import payments_pb2 as pb
from incasso.payments.v1.payments_pb2_grpc import PaymentsServiceServicer
from libs import pages, wire
from libs.idempotency import key_of
from services.payments.deps import Deps
from services.payments.events import POLICIES, dispute_pb, next_action_pb, payment_pb
from services.payments.flows import accounts, by_hand, instruments, operations, reading, webhooks
from services.payments.flows.accounts import ShownAccount
from services.payments.flows.create import CreatePayment, Token, create_payment
from services.payments.flows.refresh import refresh_payment
from services.payments.rules import sca
from services.payments.rules.orders import DuplicatePolicy
from services.payments.rules.routing import Rule
from services.payments.rules.states import DisputeState
from services.payments.store.payments import Filter

Rpc: TypeAlias = grpc.aio.ServicerContext[Any, Any]

_POLICIES: Final = wire.members(DuplicatePolicy, pb.PaymentPolicy.DuplicateOrders)
_DISPUTE_STATES: Final = wire.members(DisputeState, pb.Dispute.State)


class Payments(PaymentsServiceServicer):
    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def CreatePayment(
        self, request: pb.CreatePaymentRequest, rpc: Rpc
    ) -> pb.CreatePaymentResponse:
        key = key_of(request, "CreatePayment")
        made = await create_payment(self._deps, _create_payment(request), key)
        return pb.CreatePaymentResponse(payment=pb.Payment.FromString(made))

    async def GetPayment(self, request: pb.GetPaymentRequest, rpc: Rpc) -> pb.GetPaymentResponse:
        payment = await reading.get_payment(self._deps, request.payment_id)
        return pb.GetPaymentResponse(payment=payment_pb(payment))

    async def GetPaymentByKey(
        self, request: pb.GetPaymentByKeyRequest, rpc: Rpc
    ) -> pb.GetPaymentByKeyResponse:
        payment = await reading.get_payment_by_key(self._deps, request.key)
        return pb.GetPaymentByKeyResponse(payment=payment_pb(payment))

    async def ClosePaymentKey(
        self, request: pb.ClosePaymentKeyRequest, rpc: Rpc
    ) -> pb.ClosePaymentKeyResponse:
        payment = await reading.close_payment_key(self._deps, request.key)
        return pb.ClosePaymentKeyResponse(payment=payment_pb(payment) if payment else None)

    async def ListPayments(
        self, request: pb.ListPaymentsRequest, rpc: Rpc
    ) -> pb.ListPaymentsResponse:
        wanted, page = wire.read(Filter, request), pages.asked(request, "pay")
        found = await reading.list_payments(self._deps, wanted, page)
        data = [payment_pb(payment) for payment in found.rows]
        return pb.ListPaymentsResponse(data=data, next_cursor=found.next_cursor)

    async def CapturePayment(
        self, request: pb.CapturePaymentRequest, rpc: Rpc
    ) -> pb.CapturePaymentResponse:
        amount, key = wire.opt(request, "amount"), key_of(request, "CapturePayment")
        made = await operations.capture_payment(self._deps, request.payment_id, amount, key=key)
        return pb.CapturePaymentResponse(payment=pb.Payment.FromString(made))

    async def CancelPayment(
        self, request: pb.CancelPaymentRequest, rpc: Rpc
    ) -> pb.CancelPaymentResponse:
        key = key_of(request, "CancelPayment")
        made = await operations.cancel_payment(self._deps, request.payment_id, key=key)
        return pb.CancelPaymentResponse(payment=pb.Payment.FromString(made))

    async def RefundPayment(
        self, request: pb.RefundPaymentRequest, rpc: Rpc
    ) -> pb.RefundPaymentResponse:
        amount, key = wire.opt(request, "amount"), key_of(request, "RefundPayment")
        made = await operations.refund_payment(
            self._deps, request.payment_id, amount, reason=request.reason, key=key
        )
        return pb.RefundPaymentResponse(payment=pb.Payment.FromString(made))

    async def LowerPayment(
        self, request: pb.LowerPaymentRequest, rpc: Rpc
    ) -> pb.LowerPaymentResponse:
        amount = wire.money_of(request.amount)
        payment = await operations.lower_payment(self._deps, request.payment_id, amount)
        return pb.LowerPaymentResponse(payment=payment_pb(payment))

    async def RefreshPayment(
        self, request: pb.RefreshPaymentRequest, rpc: Rpc
    ) -> pb.RefreshPaymentResponse:
        found = await refresh_payment(self._deps, request.payment_id)
        return pb.RefreshPaymentResponse(payment=payment_pb(found), return_url=found.return_url)

    async def ListDisputes(
        self, request: pb.ListDisputesRequest, rpc: Rpc
    ) -> pb.ListDisputesResponse:
        state, page = _DISPUTE_STATES.get(request.state), pages.asked(request, "dis")
        found = await reading.list_disputes(self._deps, state, page)
        data = [dispute_pb(dispute) for dispute in found.rows]
        return pb.ListDisputesResponse(data=data, next_cursor=found.next_cursor)

    async def SetUpInstrument(
        self, request: pb.SetUpInstrumentRequest, rpc: Rpc
    ) -> pb.SetUpInstrumentResponse:
        cmd = wire.read(instruments.SetUpInstrument, request)
        key = key_of(request, "SetUpInstrument")
        ready = await instruments.set_up_instrument(self._deps, cmd, key)
        url = ready.next_action_url
        action = next_action_pb(url) if url else None
        return wire.message(pb.SetUpInstrumentResponse, ready, next_action=action)

    async def RemoveInstrument(
        self, request: pb.RemoveInstrumentRequest, rpc: Rpc
    ) -> pb.RemoveInstrumentResponse:
        await instruments.remove_instrument(
            self._deps, psp_account=request.psp_account, token=request.token
        )
        return pb.RemoveInstrumentResponse()

    async def HandlePspWebhook(
        self, request: pb.HandlePspWebhookRequest, rpc: Rpc
    ) -> pb.HandlePspWebhookResponse:
        cmd = wire.read(webhooks.HandlePspWebhook, request)
        fresh = await webhooks.handle_psp_webhook(self._deps, cmd)
        return pb.HandlePspWebhookResponse(fresh=fresh)

    async def CreatePspAccount(
        self, request: pb.CreatePspAccountRequest, rpc: Rpc
    ) -> pb.CreatePspAccountResponse:
        cmd = wire.read(accounts.CreatePspAccount, request)
        account = await accounts.create_psp_account(self._deps, cmd)
        return pb.CreatePspAccountResponse(psp_account=_psp_account_pb(account))

    async def ListPspAccounts(
        self, request: pb.ListPspAccountsRequest, rpc: Rpc
    ) -> pb.ListPspAccountsResponse:
        found = await accounts.list_psp_accounts(self._deps)
        return pb.ListPspAccountsResponse(data=[_psp_account_pb(account) for account in found])

    async def GetCardField(
        self, request: pb.GetCardFieldRequest, rpc: Rpc
    ) -> pb.GetCardFieldResponse:
        chosen = await accounts.get_card_field(
            self._deps,
            amount=wire.money_of(request.amount),
            method=request.method,
            velocity_subjects=request.velocity_subjects,
        )
        return pb.GetCardFieldResponse(psp_account=_psp_account_pb(chosen))

    async def GetRouting(self, request: pb.GetRoutingRequest, rpc: Rpc) -> pb.GetRoutingResponse:
        rules = await accounts.get_routing(self._deps)
        data = [wire.message(pb.RoutingRule, rule) for rule in rules]
        return pb.GetRoutingResponse(routing=pb.Routing(rules=data))

    async def UpdateRouting(
        self, request: pb.UpdateRoutingRequest, rpc: Rpc
    ) -> pb.UpdateRoutingResponse:
        rules = [wire.read(Rule, rule) for rule in request.routing.rules]
        await accounts.update_routing(self._deps, rules)
        data = [wire.message(pb.RoutingRule, rule) for rule in rules]
        return pb.UpdateRoutingResponse(routing=pb.Routing(rules=data))

    async def GetPaymentPolicy(
        self, request: pb.GetPaymentPolicyRequest, rpc: Rpc
    ) -> pb.GetPaymentPolicyResponse:
        policy = await accounts.get_payment_policy(self._deps)
        return pb.GetPaymentPolicyResponse(payment_policy=_policy_pb(policy))

    async def UpdatePaymentPolicy(
        self, request: pb.UpdatePaymentPolicyRequest, rpc: Rpc
    ) -> pb.UpdatePaymentPolicyResponse:
        policy = _POLICIES[request.payment_policy.duplicate_orders]
        await accounts.update_payment_policy(self._deps, policy)
        return pb.UpdatePaymentPolicyResponse(payment_policy=_policy_pb(policy))

    async def ListUnresolvedAttempts(
        self, request: pb.ListUnresolvedAttemptsRequest, rpc: Rpc
    ) -> pb.ListUnresolvedAttemptsResponse:
        found = await reading.list_unresolved_attempts(self._deps, limit=request.limit)
        data = [wire.message(pb.UnresolvedAttempt, one, kind=one.kind.value) for one in found]
        return pb.ListUnresolvedAttemptsResponse(data=data)

    async def SettleAttempt(
        self, request: pb.SettleAttemptRequest, rpc: Rpc
    ) -> pb.SettleAttemptResponse:
        cmd = wire.read(by_hand.SettleAttempt, request)
        payment = await by_hand.settle_attempt(self._deps, cmd)
        return pb.SettleAttemptResponse(payment=payment_pb(payment))

    async def ListOperatorActions(
        self, request: pb.ListOperatorActionsRequest, rpc: Rpc
    ) -> pb.ListOperatorActionsResponse:
        found = await by_hand.list_operator_actions(self._deps, limit=request.limit)
        data = [wire.message(pb.OperatorAction, action) for action in found]
        return pb.ListOperatorActionsResponse(data=data)


def _create_payment(request: pb.CreatePaymentRequest) -> CreatePayment:
    history, card = request.sca_history, request.instrument
    return wire.read(
        CreatePayment,
        request,
        instrument_id=card.instrument_id,
        brand=card.brand,
        country=card.country,
        tokens={token.psp_account: Token(token.token, token.psp_customer) for token in card.tokens},
        capture_delay=timedelta(seconds=request.capture_delay_seconds),
        history=sca.History(history.payments_since_challenge, history.amount_since_challenge_minor)
        if request.HasField("sca_history")
        else None,
    )


def _psp_account_pb(shown: ShownAccount) -> pb.PspAccount:
    return wire.message(
        pb.PspAccount,
        shown.account,
        publishable_key=shown.publishable_key or None,
        field_url=shown.field_url or None,
    )


def _policy_pb(policy: DuplicatePolicy) -> pb.PaymentPolicy:
    return pb.PaymentPolicy(duplicate_orders=POLICIES[policy])
