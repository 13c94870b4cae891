"""The gRPC servicer of payments."""

from datetime import timedelta
from typing import Final

from incasso.payments.v1 import payments_pb2 as pb
from libs import context, pages, servicer, wire
from libs.idempotency import Key
from libs.pages import Listed
from services.payments.deps import Deps
from services.payments.errors import PaymentNotFound
from services.payments.events import next_action_pb, payment_pb
from services.payments.flows import (
    accounts,
    by_hand,
    by_key,
    instruments,
    operations,
    settlements,
    webhooks,
)
from services.payments.flows.accounts import ShownAccount
from services.payments.flows.create import CreatePayment, Token, create_payment
from services.payments.flows.instruments import SetUpInstrument
from services.payments.flows.refresh import refresh_payment
from services.payments.rules import sca
from services.payments.rules.domain import Payment
from services.payments.store.notices import DISPUTES
from services.payments.store.payments import PAYMENTS, Filter, list_page


async def _create_payment(deps: Deps, request: pb.CreatePaymentRequest, key: Key | None) -> bytes:
    history, card = request.sca_history, request.instrument
    cmd = wire.read(
        CreatePayment,
        request,
        instrument_id=card.instrument_id,
        brand=card.brand,
        last4=card.last4,
        country=card.country,
        tokens={token.psp_account: wire.read(Token, token) for token in card.tokens},
        capture_delay=timedelta(seconds=request.capture_delay_seconds),
        history=sca.History(history.payments_since_challenge, history.amount_since_challenge_minor)
        if request.HasField("sca_history")
        else None,
    )
    return await create_payment(deps, cmd, key)


async def _list_payments(deps: Deps, request: pb.ListPaymentsRequest) -> Listed[Payment]:
    wanted, page = wire.read(Filter, request), pages.asked(request, "pay")
    return await deps.db.run(list_page, context.merchant_id(), wanted, page)


async def _refresh_payment(deps: Deps, payment_id: str) -> pb.RefreshPaymentResponse:
    found = await refresh_payment(deps, payment_id)
    return pb.RefreshPaymentResponse(payment=payment_pb(found), return_url=found.return_url)


async def _set_up_instrument(
    deps: Deps, cmd: SetUpInstrument, key: Key | None
) -> pb.SetUpInstrumentResponse:
    ready = await instruments.set_up_instrument(deps, cmd, key)
    url = ready.next_action_url
    action = next_action_pb(url) if url else None
    return wire.message(pb.SetUpInstrumentResponse, ready, next_action=action)


def _psp_account_pb(shown: ShownAccount) -> pb.PspAccount:
    return wire.message(
        pb.PspAccount,
        shown.account,
        publishable_key=shown.publishable_key or None,
        field_url=shown.field_url or None,
    )


Payments: Final = servicer.of(
    "incasso.payments.v1.PaymentsService",
    shows={Payment: payment_pb, ShownAccount: _psp_account_pb},
    CreatePayment=_create_payment,
    GetPayment=servicer.Row(PAYMENTS, PaymentNotFound),
    GetPaymentByKey=by_key.get_payment_by_key,
    ClosePaymentKey=by_key.close_payment_key,
    ListPayments=_list_payments,
    CapturePayment=operations.capture_payment,
    CancelPayment=operations.cancel_payment,
    RefundPayment=operations.refund_payment,
    LowerPayment=operations.lower_payment,
    RefreshPayment=_refresh_payment,
    ListDisputes=servicer.Rows(DISPUTES, "dis"),
    SetUpInstrument=_set_up_instrument,
    RemoveInstrument=instruments.remove_instrument,
    HandlePspWebhook=webhooks.handle_psp_webhook,
    CreatePspAccount=accounts.create_psp_account,
    ListPspAccounts=accounts.list_psp_accounts,
    ListPspWebhookArrivals=accounts.list_psp_webhook_arrivals,
    FetchSettlements=settlements.fetch_settlements,
    GetCardField=accounts.get_card_field,
    GetRouting=accounts.get_routing,
    UpdateRouting=accounts.update_routing,
    GetPaymentPolicy=accounts.get_payment_policy,
    UpdatePaymentPolicy=accounts.update_payment_policy,
    ListUnresolvedAttempts=by_hand.list_unresolved_attempts,
    SettleAttempt=by_hand.settle_attempt,
    ListOperatorActions=by_hand.list_operator_actions,
)
