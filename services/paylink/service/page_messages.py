"""A pay page as protobuf, without anything that the holder of a forwarded link should not see."""

from incasso.common.v1 import offer_pb2
from incasso.paylink.v1 import pages_pb2, paylink_pb2
from incasso.payments.v1 import payments_pb2
from libs import wire
from services.paylink.events import link_pb, payment_pb
from services.paylink.flows.page import PayPageView, Transfer
from services.paylink.rules.domain import Link, LinkPayment


def page_pb(view: PayPageView) -> pages_pb2.PayPage:
    link, transfer, payment = view.link, view.transfer, view.payment
    return wire.message(
        pages_pb2.PayPage,
        view,
        version=link.version,
        payment_link=_link_pb(link),
        saved_cards=[
            wire.message(pages_pb2.SavedCard, card, card=wire.message(offer_pb2.OfferedCard, card))
            for card in view.saved_cards
        ],
        transfer=transfer and _transfer_pb(link, transfer),
        instalments=view.plans,
        payment=payment and page_payment_pb(payment, use=view.use, plan_url=view.plan_url),
        due_minor=link.due_minor,
    )


def page_payment_pb(
    payment: LinkPayment, *, use: str, plan_url: str | None = None
) -> pages_pb2.PagePayment:
    """`use` is the payer's; only the payer sees the payer's address: empty for others."""
    shown = payment_pb(payment)
    if not use:
        shown.ClearField("payer_email")
        shown.ClearField("customer_id")
    made = pages_pb2.PagePayment(use=use, link_payment=shown, plan_url=plan_url)
    if state := payment.payment_state:
        made.payment_state = payments_pb2.Payment.State.Value(f"STATE_{state.upper()}")
    if payment.next_action_url:
        made.next_action.type = payment.next_action_type or ""
        made.next_action.url = payment.next_action_url
    if payment.last4:
        made.card.instrument_id = payment.instrument_id or ""
        made.card.brand = payment.brand
        made.card.last4 = payment.last4
    return made


def _link_pb(link: Link) -> paylink_pb2.PaymentLink:
    shown = link_pb(link)
    shown.ClearField("metadata")
    shown.ClearField("trace_id")
    shown.recipient.ClearField("email")
    shown.recipient.ClearField("phone")
    return shown


def _transfer_pb(link: Link, transfer: Transfer) -> pages_pb2.TransferDetails:
    return wire.message(
        pages_pb2.TransferDetails,
        transfer.account,
        creditor_reference=link.creditor_reference,
        amount=wire.money(link.due),
        epc_payload=transfer.epc_payload,
    )
