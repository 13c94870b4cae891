"""Pay pages in every state, as paylink would answer them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from incasso.common.v1 import money_pb2, offer_pb2
from incasso.paylink.v1 import pages_pb2, paylink_pb2
from incasso.payments.v1 import payments_pb2
from libs.errors import Kind, RemoteRefusal
from tests.services.gateway.instalment_samples import credit, deferral
from tests.services.gateway.pay_pieces import (
    NOW,
    euros,
    merchant,
    quote,
    sandbox_field,
    transfer,
    visa,
)

TOKEN = "3xK9mQ2vT7bN4cR8wZ1pLd"
PATH = f"/p/{TOKEN}"
USE = "use-1"
KEY = "form-key-1"
OFFER = "gAAAAABsealed=="
LINK, TRY, PAYMENT = paylink_pb2.PaymentLink, paylink_pb2.LinkPayment, payments_pb2.Payment
PLAN = "https://pay.example/plan/3xK9mQ2vT7bN4cR8wZ1pLe"
UNKNOWN = RemoteRefusal(Kind.NOT_FOUND, "payment_link_not_found", "No such link.")


def link(state: int = LINK.STATE_SENT, **more: object) -> paylink_pb2.PaymentLink:
    values: dict[str, object] = {
        "id": "lnk_1",
        "state": state,
        "amount": euros(12900),
        "amount_due": euros(12900),
        "description": "Ordine A-1001: scarpe da corsa",
        "order_reference": "A-1001",
        "channels": [paylink_pb2.CHANNEL_EMAIL],
        "locale": "it",
        "line_items": [
            paylink_pb2.LineItem(name="Scarpe da corsa", quantity=1, unit_amount_minor=11900),
            paylink_pb2.LineItem(name="Calze tecniche", quantity=2, unit_amount_minor=750),
            paylink_pb2.LineItem(name="Sconto fedeltà", quantity=1, unit_amount_minor=-500),
        ],
        **more,
    }
    found = paylink_pb2.PaymentLink(**values)  # type: ignore[arg-type]  # values of the tests
    found.expires_at.FromDatetime(datetime(2026, 12, 21, 9, 30, tzinfo=UTC))
    return found


def page(**more: object) -> pages_pb2.PayPage:
    values: dict[str, object] = {
        "version": 7,
        "payment_link": link(),
        "merchant": merchant(),
        "saved_cards": [visa()],
        "card_field": sandbox_field(),
        "transfer": transfer(),
        "form_key": KEY,
        "offer": OFFER,
        **more,
    }
    return pages_pb2.PayPage(**values)  # type: ignore[arg-type]  # values of the tests


def tried(state: int, **more: object) -> pages_pb2.PagePayment:
    details = {
        name: more.pop(name) for name in ("decline", "satisfaction", "partner") if name in more
    }
    method = more.pop("method", paylink_pb2.METHOD_CARD)
    found = paylink_pb2.LinkPayment(
        id="lpy_06f2k8q4v0t1m9z7c3x5b6n8d4",
        state=state,  # type: ignore[arg-type]  # an enum value
        method=method,  # type: ignore[arg-type]  # same
        amount=euros(12900),
        payment_id="pay_06f2k8q4v0t1m9z7c3x5b6n8d4",
        **details,  # type: ignore[arg-type]  # values of the tests
    )
    found.created_at.FromDatetime(NOW)
    if state != TRY.STATE_PROCESSING:
        found.ended_at.FromDatetime(NOW)
    if method == paylink_pb2.METHOD_CARD:
        more.setdefault("card", offer_pb2.OfferedCard(brand="visa", last4="4242"))
    return pages_pb2.PagePayment(use=USE, link_payment=found, **more)  # type: ignore[arg-type]  # same


def under_way(state: int, **more: object) -> pages_pb2.PayPage:
    own = tried(TRY.STATE_PROCESSING, payment_state=state, **more)
    return page(payment_link=link(LINK.STATE_PAYING), payment=own)


def confirming() -> pages_pb2.PayPage:
    action = payments_pb2.NextAction(type="redirect", url="https://bank.example/challenge")
    return under_way(PAYMENT.STATE_REQUIRES_ACTION, next_action=action)


def announced() -> pages_pb2.PayPage:
    own = tried(TRY.STATE_PROCESSING, method=paylink_pb2.METHOD_BANK_TRANSFER)
    return page(payment_link=link(LINK.STATE_PAYING), payment=own)


def declined(code: int = payments_pb2.DECLINE_CODE_INSUFFICIENT_FUNDS) -> pages_pb2.PayPage:
    decline = payments_pb2.Decline(code=code)  # type: ignore[arg-type]  # an enum value
    return page(payment=tried(TRY.STATE_DECLINED, decline=decline))


def paid(**more: object) -> pages_pb2.PayPage:
    done = link(LINK.STATE_PAID, success_url="https://bottega.example/grazie")
    return page(payment_link=done, payment=tried(TRY.STATE_SUCCEEDED, **more))


def in_parts(*offers: offer_pb2.InstalmentOffer) -> pages_pb2.PayPage:
    whole = link(amount=euros(16000), amount_due=euros(16000), line_items=[])
    return page(payment_link=whole, instalments=offers)


def part_of_credit() -> pages_pb2.PayPage:
    """The link of a missed part."""
    offer, due = credit("it"), euros(4125)
    law = {"warning": offer.warning, "representative_example": offer.representative_example}
    return page(payment_link=link(amount=due, amount_due=due, line_items=[], **law), transfer=None)


def klarna() -> offer_pb2.InstalmentOffer:
    """Credit from a partner."""
    found = credit("it")
    found.partner = "klarna"
    return found


def of_a_guest(*offers: offer_pb2.InstalmentOffer) -> pages_pb2.PayPage:
    """The same, for a link without a customer."""
    asked = in_parts(*offers)
    asked.ClearField("saved_cards")
    asked.plan_needs_email = asked.plan_needs_name = True
    return asked


def planned(state: int, **more: object) -> pages_pb2.PayPage:
    stands = LINK.STATE_PAYING if state == TRY.STATE_PROCESSING else LINK.STATE_PAID
    own = tried(state, method=paylink_pb2.METHOD_INSTALMENTS, **more)
    return page(payment_link=link(stands), payment=own)


def deposit() -> pages_pb2.PayPage:
    asked = link(deposit=euros(3900), amount_due=euros(3900))
    return page(payment_link=asked, saved_cards=[])


def ended_half_paid(state: int, **more: object) -> pages_pb2.PayPage:
    """50.00 arrived in time, 20.00 afterwards."""
    half = link(state, amount_due=euros(7900), paid_minor=5000)
    return page(payment_link=half, late_minor=2000, **more)


LONG = (
    "Società Cooperativa Agricola dei Produttori di Erbe Officinali e Piante Aromatiche "
    "dell'Alta Val di Susa"
)
NO_SPACES = "Mascarponetorronecioccolatofondentepistacchionocciolacaramellosalato" * 3


def yen(**more: object) -> pages_pb2.PayPage:
    """A currency without decimals: 128,000 yen."""
    amount = money_pb2.Money(amount_minor=128_000, currency="JPY")
    asked = link(amount=amount, amount_due=amount, line_items=[], **more)
    return page(payment_link=asked, transfer=None, merchant=merchant(name=LONG))


def long(**more: object) -> pages_pb2.PayPage:
    """A link with everything at its limit."""
    items = [
        paylink_pb2.LineItem(name=f"{NO_SPACES} {number}", quantity=3, unit_amount_minor=99_999_999)
        for number in range(100)
    ]
    asked = link(line_items=items, description=f"{NO_SPACES} {LONG}", order_reference="X" * 120)
    asked.MergeFrom(paylink_pb2.PaymentLink(**more))  # type: ignore[arg-type]  # values of the tests
    return page(payment_link=asked, merchant=merchant(name=f"{LONG} {NO_SPACES}"), saved_cards=[])


def long_quote() -> pages_pb2.PayPage:
    text = "\n\n".join([f"{LONG}. {NO_SPACES}"] * 70)[:20_000]
    found = quote(accepted=False)
    found.MergeFrom(paylink_pb2.Quote(title=LONG, text=text, version="9" * 40))
    return page(payment_link=link(quote=found))


STATES: dict[str, Callable[[], pages_pb2.PayPage]] = {
    "open": page,
    "open-cards": lambda: page(saved_cards=[visa(), visa("0005")]),
    "open-new": lambda: page(
        saved_cards=[], merchant=merchant(test=True, primary_colour="#ffd400")
    ),
    "open-transfer": lambda: page(saved_cards=[], card_field=None),
    "open-closed": lambda: page(card_field=None, new_cards_closed=True),
    "open-closed-nothing": lambda: page(
        saved_cards=[], card_field=None, transfer=None, new_cards_closed=True
    ),
    "open-nothing": lambda: page(saved_cards=[], card_field=None, transfer=None),
    "open-deposit": deposit,
    "open-partial": lambda: page(payment_link=link(amount_due=euros(7900), paid_minor=5000)),
    "open-accepted": lambda: page(payment_link=link(quote=quote(accepted=True))),
    "open-yen": yen,
    "open-long": long,
    "open-instalments": lambda: in_parts(deferral("it")),
    "open-guest": lambda: of_a_guest(deferral("it"), credit("it")),
    "open-partner": lambda: in_parts(deferral("it"), klarna()),
    "open-credit": lambda: in_parts(credit("it"), deferral("it"), credit("it", 12)),
    "open-part-of-credit": part_of_credit,
    "quote-long": long_quote,
    "quote": lambda: page(payment_link=link(quote=quote(accepted=False))),
    "declined": declined,
    "given-up": lambda: page(payment=tried(TRY.STATE_CANCELLED)),
    "confirm": confirming,
    "confirm-nowhere": lambda: under_way(PAYMENT.STATE_REQUIRES_ACTION),
    "processing": lambda: under_way(PAYMENT.STATE_PROCESSING),
    "pending": lambda: under_way(PAYMENT.STATE_PENDING),
    "transfer": announced,
    "instalments": lambda: planned(TRY.STATE_PROCESSING, plan_url=PLAN),
    "processing-plan": lambda: planned(TRY.STATE_PROCESSING),
    "in-parts": lambda: planned(TRY.STATE_SUCCEEDED),
    "paid": paid,
    "paid-long": lambda: page(
        payment_link=long(state=LINK.STATE_PAID, success_url="https://x.example").payment_link,
        merchant=merchant(name=f"{LONG} {NO_SPACES}"),
        payment=tried(TRY.STATE_SUCCEEDED),
    ),
    "paid-rated": lambda: paid(satisfaction=4),
    "used-up": lambda: page(payment_link=link(LINK.STATE_PAID, reusable=True)),
    "expired": lambda: page(payment_link=link(LINK.STATE_EXPIRED)),
    "expired-new": lambda: page(
        payment_link=link(LINK.STATE_EXPIRED), new_link_recipient="g•••@example.com"
    ),
    "expired-late": lambda: page(payment_link=link(LINK.STATE_EXPIRED), late_minor=12900),
    "expired-part": lambda: ended_half_paid(LINK.STATE_EXPIRED),
    "expired-part-new": lambda: ended_half_paid(
        LINK.STATE_EXPIRED, new_link_recipient="g•••@example.com"
    ),
    "cancelled": lambda: page(payment_link=link(LINK.STATE_CANCELLED)),
    "settled": lambda: page(payment_link=link(LINK.STATE_CANCELLED, paid_otherwise=True)),
    "cancelled-late": lambda: page(payment_link=link(LINK.STATE_CANCELLED), late_minor=12900),
    "cancelled-part": lambda: ended_half_paid(LINK.STATE_CANCELLED),
}
_OTHERWISE = {
    "declined": "open",
    "given-up": "open",
    "used-up": "used_up",
    "in-parts": "in_parts",
    "confirm-nowhere": "processing",
}
VIEWS = {name: _OTHERWISE.get(name, name.partition("-")[0]) for name in STATES}


def shown(found: pages_pb2.PayPage) -> pages_pb2.GetPayPageResponse:
    return pages_pb2.GetPayPageResponse(page=found)


def show(services: Any, found: pages_pb2.PayPage, psp: str = "") -> None:
    """Makes paylink answer this page from now on, with the card field of the PSP at `psp`."""
    if psp and found.HasField("card_field"):
        found.card_field.field_url = f"{psp}/psp/field.js"
    services.answers["GetPayPage"] = shown(found)
