"""The rules of links, without I/O."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs import tokens
from libs.errors import Refusal
from libs.money import Money
from services.paylink.errors import (
    AmountChanged,
    BankAccountMissing,
    BankTransferChanged,
    BankTransferDiffers,
    BankTransferDoesNotFit,
    BankTransferMovedTooOften,
    BankTransferNotFound,
    BankTransferSpent,
    InstrumentNotFound,
    InstrumentNotUsable,
    MethodNotOffered,
    MoneyArrivedLate,
    NothingLeftToPay,
    PaymentLinkClosed,
    PaymentLinkNotFound,
    PaymentLinkNotPaid,
    PaymentLinkPaid,
    PaymentLinkPaying,
    QuotaExceeded,
    QuoteChanged,
    QuoteMissing,
    QuoteNotAccepted,
    ReissuedLately,
)
from services.paylink.rules import drafting, paying, transitions
from services.paylink.rules.domain import (
    BankAccount,
    Channel,
    LineItem,
    Link,
    Merchant,
    Method,
    NewLink,
    Quote,
    Recipient,
)
from services.paylink.rules.states import LINK_OPEN, LinkEvent, LinkState

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
ACCOUNT = BankAccount("Bottega S.r.l.", "IT60X0542811101000000123456", "")
MERCHANT = Merchant("mer_1", "Bottega", "EUR", "it", test=True, bank_account=ACCOUNT)
AMOUNTS = st.integers(min_value=1, max_value=drafting.LARGEST_MINOR)
ITEMS = st.lists(
    st.builds(
        LineItem,
        name=st.just("x"),
        quantity=st.integers(1, 1000),
        unit_amount_minor=st.integers(-10_000, 10_000_000),
    ),
    min_size=1,
    max_size=20,
)


def new(**more) -> NewLink:
    fields = {"merchant": MERCHANT, "description": "x", "order_reference": "A-1", **more}
    if "line_items" not in fields:
        fields.setdefault("amount", Money(12900, "EUR"))
    return NewLink(**fields)


def draft(**more) -> Link:
    return drafting.draft(
        new(**more), link_id="lnk_1", creditor_reference="RF1", now=NOW, trace_id=""
    )


@given(ITEMS)
def test_the_price_is_the_sum_of_its_lines_or_there_is_no_link(items):
    total = sum(item.quantity * item.unit_amount_minor for item in items)
    if 1 <= total <= drafting.LARGEST_MINOR:
        assert draft(line_items=items).amount == Money(total, "EUR")
        draft(line_items=items, amount=Money(total, "EUR"))
        with pytest.raises(Refusal):
            draft(line_items=items, amount=Money(total + 1, "EUR"))
    else:
        with pytest.raises(Refusal):
            draft(line_items=items)


@given(AMOUNTS, AMOUNTS)
def test_a_deposit_is_below_the_price_and_is_what_is_due(price, deposit):
    asked = {"amount": Money(price, "EUR"), "deposit": Money(deposit, "EUR")}
    if deposit < price:
        assert draft(**asked).due_minor == deposit
    else:
        with pytest.raises(Refusal):
            draft(**asked)


def test_tokens_have_128_bits_in_22_characters():
    made = {tokens.new() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(token) for token in made} == {22}
    assert set("".join(made)) <= set(tokens.ALPHABET)
    assert 62**22 > 2**128


@pytest.mark.parametrize("state", list(LinkState))
@pytest.mark.parametrize("event", list(LinkEvent))
def test_every_link_event_is_either_allowed_or_refused(state, event):
    link = replace(draft(), state=state)
    try:
        to = transitions.moved(link, event)
    except PaymentLinkPaying:
        assert state is LinkState.PAYING
    except PaymentLinkClosed:
        assert state is not LinkState.PAYING
    else:
        assert to in LinkState
        if event in {LinkEvent.PAY, LinkEvent.ACCEPT, LinkEvent.SEND}:
            assert state in LINK_OPEN


def test_a_link_is_due_at_its_next_reminder_or_its_expiry():
    link = draft(recipient=Recipient(email="g@example.com"), channels=[Channel.EMAIL])
    sent = transitions.sent(link, NOW)
    assert transitions.due_at(link) == link.expires_at
    assert transitions.due_at(sent) == NOW + timedelta(days=1)
    by_card = replace(sent, state=LinkState.PAYING, paying_by=Method.CARD)
    assert transitions.due_at(by_card) is None
    by_transfer = replace(by_card, paying_by=Method.BANK_TRANSFER)
    assert transitions.due_at(by_transfer) == link.expires_at + timedelta(days=10)
    assert transitions.due_at(transitions.ended(sent, LinkEvent.CANCEL, NOW)) is None


def test_an_unpayable_link_is_refused_with_the_reason():
    link = draft()
    paying.check_payable(link, Method.CARD, NOW)
    quoted = replace(link, quote=Quote("t", "x", "1"))
    for broken, method, now, why in [
        (replace(link, state=LinkState.PAID), Method.CARD, NOW, PaymentLinkPaid),
        (replace(link, state=LinkState.PAYING), Method.CARD, NOW, PaymentLinkPaying),
        (replace(link, state=LinkState.CANCELLED), Method.CARD, NOW, PaymentLinkClosed),
        (link, Method.CARD, link.expires_at, PaymentLinkClosed),
        (quoted, Method.CARD, NOW, QuoteNotAccepted),
        (replace(link, methods=()), Method.CARD, NOW, MethodNotOffered),
    ]:
        with pytest.raises(why):
            paying.check_payable(broken, method, now)


IN_PARTS = (Method.CARD, Method.INSTALMENTS)


@pytest.mark.parametrize(
    "more",
    [
        {"reusable": True},
        {"deposit": Money(5_000, "EUR")},
    ],
    ids=str,
)
def test_reusable_and_deposit_links_cannot_offer_instalments(more):
    asked = {"amount": Money(12_900, "EUR"), "methods": IN_PARTS, **more}
    with pytest.raises(Refusal) as refusal:
        draft(**asked)
    assert refusal.value.reason == "invalid_argument"


def test_a_partly_paid_link_cannot_be_paid_in_instalments():
    link = draft(amount=Money(12_900, "EUR"), methods=IN_PARTS)
    paying.check_payable(link, Method.INSTALMENTS, NOW)
    with pytest.raises(MethodNotOffered):
        paying.check_payable(replace(link, paid_minor=900), Method.INSTALMENTS, NOW)


def test_the_hash_of_a_quote_covers_title_version_and_text():
    quotes = [
        Quote("t", "x", "1"),
        Quote("T", "x", "1"),
        Quote("t", "X", "1"),
        Quote("t", "x", "2"),
    ]
    assert len({quote.sha256 for quote in quotes}) == 4
    assert quotes[0].sha256 == hashlib.sha256(b"t\n1\nx").hexdigest()


def test_addresses_are_masked():
    recipient = Recipient(email="giulia@example.com", phone="+393331234567")
    assert recipient.masked(Channel.EMAIL) == "g•••@example.com"
    assert recipient.masked(Channel.SMS) == "••• 4567"


def test_refusal_messages_end_with_a_full_stop():
    for refusal in (
        AmountChanged,
        BankAccountMissing,
        BankTransferChanged,
        BankTransferDiffers,
        BankTransferDoesNotFit,
        BankTransferMovedTooOften,
        BankTransferNotFound,
        BankTransferSpent,
        InstrumentNotFound,
        InstrumentNotUsable,
        MoneyArrivedLate,
        NothingLeftToPay,
        PaymentLinkNotFound,
        PaymentLinkNotPaid,
        QuotaExceeded,
        QuoteChanged,
        QuoteMissing,
        ReissuedLately,
    ):
        assert refusal().message.endswith(".")
