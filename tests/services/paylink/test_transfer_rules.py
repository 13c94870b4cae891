"""The rules of bank transfers, without I/O: texts, several links, and every cent."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iso11649

from libs import creditor_references as references
from libs.money import Money
from services.paylink.rules import transfers, transitions
from services.paylink.rules.domain import Link, Method
from services.paylink.rules.states import LinkEvent, LinkState, TransferState
from services.paylink.rules.transfers import BankTransfer
from tests.kit.cost import assert_quick
from tests.services.paylink.test_domain import ACCOUNT, AMOUNTS, NOW, draft


def transfer(amount_minor: int, currency: str = "EUR") -> BankTransfer:
    return BankTransfer(
        id="trf_1",
        merchant_id="mer_1",
        state=TransferState.UNMATCHED,
        bank_reference="b",
        booking="B",
        amount=Money(amount_minor, currency),
        creditor_reference=None,
        link_id="lnk_1",
        candidates=(),
        surplus_minor=0,
        waits=False,
        booked_on="2026-11-21",
        moves=(),
        created_at=NOW,
    )


@pytest.mark.parametrize("method", list(Method))
def test_a_transfer_waits_while_another_method_may_pay_the_link(method):
    link = replace(draft(amount=Money(100, "EUR")), state=LinkState.PAYING, paying_by=method)
    assert transfers.must_wait(link) == (method is not Method.BANK_TRANSFER)
    assert (transitions.due_at(link) is None) == (method is not Method.BANK_TRANSFER)


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
            link = transitions.ended(link, LinkEvent.SUCCEED, NOW)
    assert link.paid_minor + surplus == sum(arrivals)
    assert link.paid_minor == min(price, sum(arrivals))


def test_money_for_a_paid_link_is_a_surplus():
    paid = replace(draft(), state=LinkState.PAID)
    made = transfers.allocate(paid, transfer(12900), reserved=0)
    assert (made.uses_minor, made.transfer.state) == (0, TransferState.SURPLUS)
    assert made.transfer.open_minor == made.transfer.surplus_minor == 12900


@pytest.mark.parametrize("state", [LinkState.EXPIRED, LinkState.CANCELLED])
@pytest.mark.parametrize("arrived", [1, 12900, 13000])
def test_money_for_an_ended_link_is_late(state, arrived):
    made = transfers.allocate(replace(draft(), state=state), transfer(arrived), reserved=0)
    assert (made.uses_minor, made.transfer.state) == (0, TransferState.LATE)
    assert (made.transfer.open_minor, made.transfer.surplus_minor) == (arrived, 0)


def asking(*dues: int, **more) -> list[Link]:
    return [
        replace(draft(amount=Money(due, "EUR")), id=f"lnk_{number}", **more)
        for number, due in enumerate(dues)
    ]


@pytest.mark.parametrize(
    ("dues", "arrived", "chosen"),
    [
        ((5000, 3000), 5000, [5000]),
        ((5000, 3000), 3000, [3000]),
        ((5000, 3000), 8000, [5000, 3000]),
        ((5000, 3000, 2000), 5000, [5000]),  # an exact match wins over a sum
        ((4000, 3000, 2000), 5000, [3000, 2000]),
        ((5000, 5000), 5000, []),  # ambiguous
        ((5000, 5000), 10000, [5000, 5000]),
        ((3000, 2000, 2000), 5000, []),
        ((5000, 3000), 4000, []),
        ((100,) * 9, 900, []),  # too many to guess
        ((), 5000, []),
    ],
)
def test_the_amount_selects_among_several_links(dues, arrived, chosen):
    found = transfers.chosen(asking(*dues), Money(arrived, "EUR"), {})
    assert [link.due_minor for link in found] == chosen


def test_only_links_that_take_money_are_chosen():
    arrived = Money(5000, "EUR")
    for closed in (
        asking(5000, state=LinkState.PAID),
        asking(5000, state=LinkState.EXPIRED),
        asking(5000, state=LinkState.PAYING, paying_by=Method.CARD),
        asking(5000, reusable=True, max_uses=1, uses=1),
    ):
        assert transfers.chosen(closed, arrived, {}) == ()
        assert len(transfers.chosen([*closed, *asking(5000)], arrived, {})) == 1
    last_use = asking(5000, reusable=True, max_uses=1)
    assert transfers.chosen(last_use, arrived, {"lnk_0": 1}) == ()


@given(st.text(max_size=100))
def test_a_bank_reference_has_one_normal_form(typed):
    form = transfers.booking(typed)
    assert transfers.booking(form) == form
    assert not re.search(r"\s", form)


def test_bank_references_are_compared_ignoring_case_and_whitespace():
    spelled = {transfers.booking(text) for text in ("Ab-1 2", " AB-12", "ab-12\u00a0")}
    assert spelled == {"AB-12"}
    assert transfers.booking("AB12") != "AB-12"


def test_a_transfer_waits_for_a_card_but_not_for_another_transfer():
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
    assert reference in references.found_in(text)[0]


def test_a_reference_with_wrong_check_digits_is_only_a_candidate():
    reference = references.creditor_reference(references.new_body())
    wrong = f"RF{(int(reference[2:4]) + 1) % 100:02d}{reference[4:]}"
    assert references.found_in(f"saldo {wrong} e {reference}") == ([reference], [])
    assert references.found_in(f"saldo {wrong}") == ([], [reference])
    assert references.found_in("RF18539007547034 RF") == ([], [])


def test_a_text_full_of_references_is_parsed_quickly():
    text = "RF18" * 250
    assert_quick(lambda: references.found_in(text), within=0.05)
    named, misspelt = references.found_in(text)
    assert len(named) + len(misspelt) <= 2 * references.MOST


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
