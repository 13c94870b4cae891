"""The rules of links, without I/O."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iso11649

from libs.errors import Refusal
from libs.money import Money
from services.paylink import drafting, masking, moves, paying, references, tokens, transfers
from services.paylink.domain import (
    BankAccount,
    BankTransfer,
    Channel,
    LineItem,
    Link,
    Merchant,
    Method,
    NewLink,
    Quote,
    Recipient,
)
from services.paylink.errors import (
    AmountChanged,
    BankAccountMissing,
    BankTransferDiffers,
    InstrumentNotFound,
    InstrumentNotUsable,
    MethodNotOffered,
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
from services.paylink.states import LINK_OPEN, LinkEvent, LinkState, TransferState

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


def transfer(amount_minor: int, currency: str = "EUR") -> BankTransfer:
    return BankTransfer(
        id="trf_1",
        merchant_id="mer_1",
        state=TransferState.UNMATCHED,
        bank_reference="b",
        amount=Money(amount_minor, currency),
        creditor_reference=None,
        link_id="lnk_1",
        surplus_minor=0,
        waits=False,
        booked_on="2026-11-21",
        created_at=NOW,
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


@given(st.lists(AMOUNTS, min_size=1, max_size=10), AMOUNTS)
def test_every_cent_of_every_transfer_has_one_place(arrivals, price):
    link, surplus = draft(amount=Money(price, "EUR")), 0
    for arrived in arrivals:
        made = transfers.allocate(link, transfer(arrived), reserved=0)
        assert made.uses_minor + made.transfer.surplus_minor == arrived
        assert made.pays == (made.uses_minor > 0 and made.uses_minor == link.due_minor)
        assert made.transfer.state is not TransferState.UNMATCHED
        surplus += made.transfer.surplus_minor
        link = replace(link, paid_minor=link.paid_minor + made.uses_minor)
        if made.pays:
            link = moves.ended(link, LinkEvent.SUCCEED, NOW)
    assert link.paid_minor + surplus == sum(arrivals)
    assert link.paid_minor == min(price, sum(arrivals))


@pytest.mark.parametrize("state", [LinkState.EXPIRED, LinkState.CANCELLED, LinkState.PAID])
def test_money_for_an_ended_link_is_a_surplus(state):
    made = transfers.allocate(replace(draft(), state=state), transfer(12900), reserved=0)
    assert (made.uses_minor, made.transfer.surplus_minor) == (0, 12900)


def test_a_transfer_waits_only_for_a_card():
    link = replace(draft(), state=LinkState.PAYING, paying_by=Method.CARD)
    assert transfers.must_wait(link)
    assert not transfers.must_wait(replace(link, paying_by=Method.BANK_TRANSFER))


@given(st.text(alphabet=references.ALPHABET, min_size=1, max_size=21))
def test_references_are_valid_by_iso_11649(body):
    assert iso11649.is_valid(references.creditor_reference(body))


@given(
    st.text(alphabet="ABCDEFG 0123456789.,/-", max_size=40),
    st.text(alphabet="ABCDEFG 0123456789.,/-", max_size=40),
    st.integers(0, 2**32),
)
def test_references_are_found_inside_texts_with_spaces(before, after, cut):
    reference = references.creditor_reference(references.new_body())
    at = cut % len(reference)
    text = f"{before}{reference[:at].lower()} {reference[at:]}{after}"
    assert reference in references.found_in(text)


def test_tokens_have_128_bits_in_22_characters():
    made = {tokens.new() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(token) for token in made} == {22}
    assert set("".join(made)) <= set(tokens.ALPHABET)
    assert 62**22 > 2**128


@given(AMOUNTS, st.text(min_size=1, max_size=70))
def test_transfer_codes_fit_the_standard(amount_minor, holder):
    account = replace(ACCOUNT, holder=holder)
    payload = transfers.epc_payload(account, Money(amount_minor, "EUR"), "RF18539007547034")
    if payload:
        assert len(payload.encode()) <= 331
        lines = payload.split("\n")
        assert lines[0:4] == ["BCD", "002", "1", "SCT"]
        assert lines[7] == f"EUR{amount_minor // 100}.{amount_minor % 100:02d}"
    else:
        assert amount_minor > 99_999_999_999 or len(holder.encode()) > 200 or not holder.strip()


def test_only_euros_have_a_transfer_code():
    assert transfers.epc_payload(ACCOUNT, Money(100, "CHF"), "RF18539007547034") == ""


@pytest.mark.parametrize("state", list(LinkState))
@pytest.mark.parametrize("event", list(LinkEvent))
def test_every_event_has_its_states_or_a_refusal(state, event):
    link = replace(draft(), state=state)
    try:
        to = moves.moved(link, event)
    except PaymentLinkPaying:
        assert state is LinkState.PAYING
    except PaymentLinkClosed:
        assert state is not LinkState.PAYING
    else:
        assert to in LinkState
        if event in {LinkEvent.PAY, LinkEvent.ACCEPT, LinkEvent.SEND}:
            assert state in LINK_OPEN


def test_due_is_a_reminder_or_the_end_and_nothing_after_it():
    link = draft(recipient=Recipient(email="g@example.com"), channels=[Channel.EMAIL])
    sent = moves.sent(link, NOW)
    assert moves.due_at(link) == link.expires_at
    assert moves.due_at(sent) == NOW + timedelta(days=1)
    by_card = replace(sent, state=LinkState.PAYING, paying_by=Method.CARD)
    assert moves.due_at(by_card) is None
    by_transfer = replace(by_card, paying_by=Method.BANK_TRANSFER)
    assert moves.due_at(by_transfer) == link.expires_at + timedelta(days=10)
    assert moves.due_at(moves.ended(sent, LinkEvent.CANCEL, NOW)) is None


def test_payability_says_why_not():
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
    assert masking.masked(recipient, Channel.EMAIL) == "g•••@example.com"
    assert masking.masked(recipient, Channel.SMS) == "••• 4567"


def test_every_refusal_says_what_to_do():
    for refusal in (
        AmountChanged,
        BankAccountMissing,
        BankTransferDiffers,
        InstrumentNotFound,
        InstrumentNotUsable,
        NothingLeftToPay,
        PaymentLinkNotFound,
        PaymentLinkNotPaid,
        QuotaExceeded,
        QuoteChanged,
        QuoteMissing,
        ReissuedLately,
    ):
        assert refusal().message.endswith(".")
