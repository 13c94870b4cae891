# ruff: noqa: N802 - RPCs have the names of the protos
"""The gRPC door of payments: message to command, one flow, result to message."""

from typing import Any, TypeAlias

import grpc

from incasso.payments.v1 import payments_pb2 as pb
from incasso.payments.v1.payments_pb2_grpc import PaymentsServiceServicer
from libs import context, idempotency, identity, pages, wire
from services.payments import events
from services.payments.deps import Deps
from services.payments.flows import accounts, by_hand, instruments, reading, webhooks
from services.payments.flows.cancel import CancelPayment, cancel_payment
from services.payments.flows.capture import (
    CapturePayment,
    LowerPayment,
    capture_payment,
    lower_payment,
)
from services.payments.flows.create import create_payment
from services.payments.flows.operations import Target
from services.payments.flows.record import Answer
from services.payments.flows.refresh import refresh_payment
from services.payments.flows.refund import RefundPayment, refund_payment
from services.payments.service import requests

Rpc: TypeAlias = grpc.aio.ServicerContext[Any, Any]
Operation: TypeAlias = pb.CapturePaymentRequest | pb.CancelPaymentRequest | pb.RefundPaymentRequest


class Payments(PaymentsServiceServicer):
    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def CreatePayment(
        self, request: pb.CreatePaymentRequest, rpc: Rpc
    ) -> pb.CreatePaymentResponse:
        answer = await create_payment(self._deps, requests.create_payment(request))
        return pb.CreatePaymentResponse(payment=_payment(answer))

    async def GetPayment(self, request: pb.GetPaymentRequest, rpc: Rpc) -> pb.GetPaymentResponse:
        payment = await reading.get_payment(self._deps, context.merchant_id(), request.payment_id)
        return pb.GetPaymentResponse(payment=events.payment_pb(payment))

    async def GetPaymentByKey(
        self, request: pb.GetPaymentByKeyRequest, rpc: Rpc
    ) -> pb.GetPaymentByKeyResponse:
        payment = await reading.get_payment_by_key(self._deps, requests.callers_key(request))
        return pb.GetPaymentByKeyResponse(payment=events.payment_pb(payment))

    async def ClosePaymentKey(
        self, request: pb.ClosePaymentKeyRequest, rpc: Rpc
    ) -> pb.ClosePaymentKeyResponse:
        payment = await reading.close_payment_key(self._deps, requests.callers_key(request))
        return pb.ClosePaymentKeyResponse(payment=events.payment_pb(payment) if payment else None)

    async def ListPayments(
        self, request: pb.ListPaymentsRequest, rpc: Rpc
    ) -> pb.ListPaymentsResponse:
        wanted, page = requests.payment_filter(request), pages.asked(request, "pay")
        found = await reading.list_payments(self._deps, context.merchant_id(), wanted, page)
        data = [events.payment_pb(payment) for payment in found.rows]
        return pb.ListPaymentsResponse(data=data, next_cursor=found.next_cursor)

    async def CapturePayment(
        self, request: pb.CapturePaymentRequest, rpc: Rpc
    ) -> pb.CapturePaymentResponse:
        amount = wire.opt(request, "amount")
        cmd = CapturePayment(_target(request, "CapturePayment"), amount)
        answer = await capture_payment(self._deps, cmd)
        return pb.CapturePaymentResponse(payment=_payment(answer))

    async def CancelPayment(
        self, request: pb.CancelPaymentRequest, rpc: Rpc
    ) -> pb.CancelPaymentResponse:
        cmd = CancelPayment(_target(request, "CancelPayment"))
        return pb.CancelPaymentResponse(payment=_payment(await cancel_payment(self._deps, cmd)))

    async def RefundPayment(
        self, request: pb.RefundPaymentRequest, rpc: Rpc
    ) -> pb.RefundPaymentResponse:
        amount = wire.opt(request, "amount")
        cmd = RefundPayment(_target(request, "RefundPayment"), amount, request.reason)
        return pb.RefundPaymentResponse(payment=_payment(await refund_payment(self._deps, cmd)))

    async def LowerPayment(
        self, request: pb.LowerPaymentRequest, rpc: Rpc
    ) -> pb.LowerPaymentResponse:
        cmd = LowerPayment(context.merchant_id(), request.payment_id, wire.money_of(request.amount))
        payment = await lower_payment(self._deps, cmd)
        return pb.LowerPaymentResponse(payment=events.payment_pb(payment))

    async def RefreshPayment(
        self, request: pb.RefreshPaymentRequest, rpc: Rpc
    ) -> pb.RefreshPaymentResponse:
        call = context.current()
        payment = await refresh_payment(
            self._deps,
            merchant_id=call.merchant_id,
            for_shopper=call.caller == identity.GATEWAY and not call.merchant_id,
            payment_id=request.payment_id,
        )
        return pb.RefreshPaymentResponse(
            payment=events.payment_pb(payment), return_url=payment.return_url
        )

    async def ListDisputes(
        self, request: pb.ListDisputesRequest, rpc: Rpc
    ) -> pb.ListDisputesResponse:
        state, page = requests.dispute_state(request), pages.asked(request, "dis")
        found = await reading.list_disputes(self._deps, context.merchant_id(), state, page)
        data = [events.dispute_pb(dispute) for dispute in found.rows]
        return pb.ListDisputesResponse(data=data, next_cursor=found.next_cursor)

    async def SetUpInstrument(
        self, request: pb.SetUpInstrumentRequest, rpc: Rpc
    ) -> pb.SetUpInstrumentResponse:
        ready = await instruments.set_up_instrument(self._deps, requests.set_up(request))
        response = pb.SetUpInstrumentResponse(
            token=ready.token,
            psp_customer=ready.psp_customer,
            brand=ready.brand,
            last4=ready.last4,
            exp_month=ready.exp_month,
            exp_year=ready.exp_year,
            country=ready.country,
            fingerprint=ready.fingerprint,
        )
        if ready.next_action_url:
            response.next_action.CopyFrom(events.next_action_pb(ready.next_action_url))
        return response

    async def RemoveInstrument(
        self, request: pb.RemoveInstrumentRequest, rpc: Rpc
    ) -> pb.RemoveInstrumentResponse:
        await instruments.remove_instrument(
            self._deps,
            merchant_id=context.merchant_id(),
            psp_account=request.psp_account,
            token=request.token,
        )
        return pb.RemoveInstrumentResponse()

    async def HandlePspWebhook(
        self, request: pb.HandlePspWebhookRequest, rpc: Rpc
    ) -> pb.HandlePspWebhookResponse:
        cmd = webhooks.HandlePspWebhook(request.psp_account_id, request.body, dict(request.headers))
        fresh = await webhooks.handle_psp_webhook(self._deps, cmd)
        return pb.HandlePspWebhookResponse(fresh=fresh)

    async def CreatePspAccount(
        self, request: pb.CreatePspAccountRequest, rpc: Rpc
    ) -> pb.CreatePspAccountResponse:
        cmd = accounts.CreatePspAccount(
            merchant_id=context.merchant_id(),
            name=request.name,
            psp=request.psp,
            credentials=request.credentials,
        )
        account = await accounts.create_psp_account(self._deps, cmd)
        shown = accounts.shown(self._deps, account)
        return pb.CreatePspAccountResponse(psp_account=requests.psp_account_pb(shown))

    async def ListPspAccounts(
        self, request: pb.ListPspAccountsRequest, rpc: Rpc
    ) -> pb.ListPspAccountsResponse:
        rows = await accounts.list_psp_accounts(self._deps, context.merchant_id())
        return pb.ListPspAccountsResponse(data=[requests.psp_account_pb(row) for row in rows])

    async def GetCardField(
        self, request: pb.GetCardFieldRequest, rpc: Rpc
    ) -> pb.GetCardFieldResponse:
        chosen = await accounts.get_card_field(
            self._deps,
            context.merchant_id(),
            amount=wire.money_of(request.amount),
            method=request.method,
            velocity_subjects=request.velocity_subjects,
        )
        return pb.GetCardFieldResponse(psp_account=requests.psp_account_pb(chosen))

    async def GetRouting(self, request: pb.GetRoutingRequest, rpc: Rpc) -> pb.GetRoutingResponse:
        rules = await accounts.get_routing(self._deps, context.merchant_id())
        return pb.GetRoutingResponse(routing=requests.routing_pb(rules))

    async def UpdateRouting(
        self, request: pb.UpdateRoutingRequest, rpc: Rpc
    ) -> pb.UpdateRoutingResponse:
        rules = await accounts.update_routing(
            self._deps, context.merchant_id(), requests.rules(request.routing)
        )
        return pb.UpdateRoutingResponse(routing=requests.routing_pb(rules))

    async def GetPaymentPolicy(
        self, request: pb.GetPaymentPolicyRequest, rpc: Rpc
    ) -> pb.GetPaymentPolicyResponse:
        policy = await accounts.get_payment_policy(self._deps, context.merchant_id())
        return pb.GetPaymentPolicyResponse(payment_policy=requests.policy_pb(policy))

    async def UpdatePaymentPolicy(
        self, request: pb.UpdatePaymentPolicyRequest, rpc: Rpc
    ) -> pb.UpdatePaymentPolicyResponse:
        policy = await accounts.update_payment_policy(
            self._deps, context.merchant_id(), requests.policy(request.payment_policy)
        )
        return pb.UpdatePaymentPolicyResponse(payment_policy=requests.policy_pb(policy))

    async def ListUnresolvedAttempts(
        self, request: pb.ListUnresolvedAttemptsRequest, rpc: Rpc
    ) -> pb.ListUnresolvedAttemptsResponse:
        rows = await reading.list_unresolved_attempts(
            self._deps, context.current().merchant_id, limit=request.limit
        )
        return pb.ListUnresolvedAttemptsResponse(data=[requests.unresolved_pb(r) for r in rows])

    async def SettleAttempt(
        self, request: pb.SettleAttemptRequest, rpc: Rpc
    ) -> pb.SettleAttemptResponse:
        payment = await by_hand.settle_attempt(self._deps, requests.settle_attempt(request))
        return pb.SettleAttemptResponse(payment=events.payment_pb(payment))

    async def ListOperatorActions(
        self, request: pb.ListOperatorActionsRequest, rpc: Rpc
    ) -> pb.ListOperatorActionsResponse:
        rows = await by_hand.list_operator_actions(
            self._deps, context.current().merchant_id, limit=request.limit
        )
        return pb.ListOperatorActionsResponse(data=[requests.operator_action_pb(r) for r in rows])


def _payment(answer: Answer) -> pb.Payment:
    return pb.Payment.FromString(answer) if isinstance(answer, bytes) else events.payment_pb(answer)


def _target(request: Operation, method: str) -> Target:
    key = idempotency.key_of(request, method)
    return Target(context.merchant_id(), request.payment_id, key)
