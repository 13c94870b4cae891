"""The lines stored for an entry of a file: pure rules."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from libs.statements.model import Detail, Entry, References, State
from services.reporting.rules import imports, lines
from services.reporting.rules.lines import Into, Part
from services.reporting.rules.settlement_kinds import SettlementKind, kind_of

DAY, AT = date(2026, 4, 7), datetime(2026, 4, 8, tzinfo=UTC)
INTO = Into("mer_1", "imp_1", "camt.053", None, AT)
ENTRY = Entry(1, DAY, DAY, 42_956, "EUR", References(bank="B1"), id="e1")


def detail(minor, place, currency="EUR"):
    return Detail(minor, currency, References(end_to_end=f"E{place}"), id=f"e1-{place}")


def of(entry):
    return list(lines.bank_lines([entry], "IT60", "stm_1", INTO))


def batch(*minors, fee=0, rest=0, currency="EUR"):
    details = tuple(detail(minor, n, currency) for n, minor in enumerate(minors, 1))
    known = [minor for minor in minors if minor is not None]
    return replace(
        ENTRY,
        amount_minor=sum(known) + fee + rest,
        gross_minor=sum(known) if len(known) == len(minors) else None,
        fee_minor=fee,
        unexplained_minor=rest,
        details=details,
    )


@pytest.mark.parametrize(
    "entry",
    [
        ENTRY,
        batch(42_956),
        batch(32_956, 10_000),
        batch(150_000, fee=-2_600),
        batch(150_000, 2_600, rest=-600),
        batch(100, fee=-3, rest=1),
        batch(-100, -200),
    ],
)
def test_the_lines_of_an_entry_add_up_to_it(entry):
    found = of(entry)
    assert sum(line.amount_minor for line in found) == entry.amount_minor
    assert len({line.id for line in found}) == len(found)
    assert {line.entry_id for line in found} == {"e1"}


def test_a_batch_with_an_unknown_amount_is_one_line_with_all_its_texts():
    whole = replace(batch(100, None), amount_minor=150)
    entry = replace(whole, details=tuple(replace(each, text=each.id) for each in whole.details))
    (line,) = of(entry)
    assert (line.part, line.amount_minor, line.text) == (Part.ENTRY, 150, "e1-1 e1-2")


def test_a_batch_in_another_currency_is_one_line_in_the_accounts_currency():
    (line,) = of(replace(batch(100, 200, currency="USD"), amount_minor=270))
    assert (line.part, line.currency) == (Part.ENTRY, "EUR")


def test_an_entry_that_is_not_booked_makes_no_line():
    assert (
        of(replace(ENTRY, state=State.PENDING)) == of(replace(ENTRY, state=State.INFORMATION)) == []
    )


def test_a_lines_id_is_the_same_in_every_import_and_differs_by_merchant():
    (line,) = of(ENTRY)
    elsewhere = replace(INTO, import_id="imp_2")
    (again,) = lines.bank_lines([ENTRY], "IT60", "stm_2", elsewhere)
    (theirs,) = lines.bank_lines([ENTRY], "IT60", "stm_1", replace(INTO, merchant_id="mer_2"))
    assert line.id == again.id != theirs.id


def test_control_characters_and_surrounding_blanks_are_removed():
    (line,) = of(replace(ENTRY, text=" a\x00b\u202e ", references=References(bank=" B1\x07")))
    assert (line.text, line.bank_reference) == ("a b", "B1")


@pytest.mark.parametrize(
    ("file_format", "provider_kind", "kind"),
    [
        ("stripe.balance", "charge", SettlementKind.CHARGE),
        ("stripe.balance", "Payment", SettlementKind.CHARGE),
        ("stripe.balance", "partial_capture_reversal", SettlementKind.REFUND),
        ("stripe.balance", "dispute_reversal", SettlementKind.DISPUTE),
        ("stripe.balance", "payout", SettlementKind.PAYOUT),
        ("stripe.balance", "stripe fee", SettlementKind.FEE),
        ("stripe.balance", "other_adjustment", SettlementKind.ADJUSTMENT),
        ("stripe.balance", "advance", SettlementKind.OTHER),
        ("stripe.balance", "", SettlementKind.OTHER),
        ("paypal.stl", "T0006", SettlementKind.CHARGE),
        ("paypal.stl", "T1107", SettlementKind.REFUND),
        ("paypal.stl", "T1201", SettlementKind.DISPUTE),
        ("paypal.stl", "t0400", SettlementKind.PAYOUT),
        ("paypal.stl", "T9900", SettlementKind.OTHER),
    ],
)
def test_a_psps_transaction_type_maps_to_a_settlement_kind(file_format, provider_kind, kind):
    assert kind_of(file_format, provider_kind) is kind


def test_distant_months_get_no_partition_of_their_own():
    today = date(2026, 11, 26)

    def months(first, last):
        statement = type("S", (), {"first_on": first, "last_on": last})
        return imports.months_of(type("C", (), {"statements": [statement]}), today)

    assert months(date(2026, 10, 31), date(2026, 11, 1)) == [date(2026, 10, 1), date(2026, 11, 1)]
    assert (
        len(months(date(1, 1, 1), date(9999, 12, 31)))
        == imports.MONTHS_BACK + imports.MONTHS_AHEAD + 1
    )
    assert list(months(date(1990, 1, 1), date(1990, 1, 2))) == []
    assert list(months(None, None)) == []
