"""Reports of Stripe and PayPal in the layouts of several years. All data are synthetic."""

from datetime import date

import pytest

from libs.statements.model import Format
from tests.libs.statements.files import contents, entries, ids, refusal

BALANCE = (
    "balance_transaction_id,created_utc,available_on_utc,currency,gross,fee,net,reporting_category,"
    "source_id,description,payment_intent_id"
)
PAYOUTS = BALANCE.replace(
    "balance_transaction_id",
    "automatic_payout_id,automatic_payout_effective_at,balance_transaction_id",
)
NEWER = f"{PAYOUTS},order_id,destination_payment_id,regulatory_tag,customer_name"
CHARGE = 'txn_1,2026-04-07 23:59:01,2026-04-09 00:00:00,eur,59.90,1.09,58.81,charge,ch_1,"Shoes, red",pi_1'
REFUND = "txn_2,2026-04-08 10:00:00,2026-04-08 00:00:00,eur,-10.00,0.00,-10.00,refund,re_1,,pi_1"


def csv(*lines: str) -> bytes:
    return "\r\n".join([*lines, ""]).encode()


@pytest.mark.parametrize(
    ("header", "before", "after", "form"),
    [
        (BALANCE, "", "", Format("stripe.balance", "itemized")),
        (PAYOUTS, "po_1,2026-04-09,", "", Format("stripe.payout_reconciliation", "itemized")),
        (
            NEWER,
            "po_1,2026-04-09,",
            ",A-1,py_1,,Giulia Bianchi",
            Format("stripe.payout_reconciliation", "itemized.5"),
        ),
    ],
)
def test_a_stripe_report_is_read_by_its_column_names(
    header: str, before: str, after: str, form: Format
):
    data = csv(header, before + CHARGE + after, before + REFUND + after)
    found = contents(data)
    assert found.format == form
    (total,) = found.statements[0].totals
    assert (total.currency, total.credits_minor, total.debits_minor) == ("EUR", 5881, 1000)
    charge, refund = entries(data)
    assert (charge.amount_minor, charge.gross_minor, charge.fee_minor) == (5881, 5990, -109)
    assert (charge.booked_on, charge.value_on) == (date(2026, 4, 7), date(2026, 4, 9))
    assert (charge.kind, charge.text) == ("charge", "Shoes, red")
    assert (charge.references.bank, charge.references.transaction) == ("txn_1", "ch_1")
    assert (refund.amount_minor, refund.references.payment) == (-1000, "pi_1")
    assert charge.references.batch == ("po_1" if before else "")
    assert charge.references.order == ("A-1" if after else "")


def test_columns_may_be_in_any_order_and_have_the_dashboards_names():
    data = csv(
        "Currency,id,Type,Source,Net,Amount,Fee,Created (UTC)",
        "usd,txn_1,charge,ch_1,9.00,10.00,1.00,2026-04-07 10:00",
    )
    (found,) = entries(data)
    assert (found.amount_minor, found.currency, found.kind) == (900, "USD", "charge")


def test_a_stripe_transaction_has_the_same_id_in_every_report():
    assert ids(csv(BALANCE, CHARGE)) == ids(csv(PAYOUTS, f"po_1,2026-04-09,{CHARGE}"))


def test_currencies_without_decimals_may_be_written_with_them():
    data = csv(BALANCE, CHARGE.replace("eur,59.90,1.09,58.81", "isk,1500.00,10.00,1490.00"))
    assert entries(data)[0].amount_minor == 1490


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (csv(BALANCE), 1, "no rows"),
        (csv(BALANCE, CHARGE, REFUND)[:-20], 3, "the file may be truncated"),
        (csv(BALANCE, CHARGE.replace("58.81", "58.80")), 2, "gross minus fee is not net"),
        (csv(BALANCE, CHARGE.replace("59.90", "59.9000000003")), 2, "more than the 2 decimals"),
        (csv(BALANCE, CHARGE.replace("59.90", "")), 2, "gross is not an amount"),
        (csv(BALANCE, CHARGE.replace("eur", "euro")), 2, "ISO 4217"),
        (csv(BALANCE, CHARGE.replace("txn_1", "")), 2, "no balance_transaction_id"),
        (csv(BALANCE, CHARGE.replace("2026-04-07 23:59:01", "")), 2, "no date of creation"),
        (csv(BALANCE, CHARGE.replace("2026-04-07", "07/04/2026")), 2, "not a calendar date"),
        (csv(f"{BALANCE},fee", f"{CHARGE},1"), 1, "more than one column fee"),
        (csv(BALANCE.replace("created_utc", "at"), CHARGE), 1, "no column created_utc"),
        (csv(BALANCE, CHARGE.replace('red"', "red")), 2, "quotation mark"),
        (csv(BALANCE, "x"), 2, "1 cells"),
        (csv(BALANCE, CHARGE.replace('red"', "red\r\n" * 102)), 2, "more than 100 lines"),
    ],
)
def test_a_broken_stripe_report_is_refused_with_line_and_reason(
    data: bytes, line: int, reason: str
):
    found = refusal(data)
    assert reason in found.reason
    assert found.line == line


COLUMNS = (
    '"CH","Transaction ID","Invoice ID","PayPal Reference ID","Transaction Event Code",'
    '"Transaction Initiation Date","Transaction Completion Date","Transaction  Debit or Credit",'
    '"Gross Transaction Amount","Gross Transaction Currency","Fee Debit or Credit","Fee Amount",'
    '"Fee Currency","Custom Field"'
)
SALE = '"SB","T1","A-1","","T0006",2026/04/07 00:01:17 -0700,2026/04/07 00:01:17 -0700,"CR",5990,"EUR","DR",239,"EUR","c1"'
BACK = '"SB","","A-1","T1","T1107",2026/04/08 00:01:17 -0700,2026/04/08 00:01:17 -0700,"DR",1000,"EUR","CR",25,"EUR",""'
SETTLEMENT = csv(
    '"RH",2026/04/09 04:05:06 -0700,"X","MERCHANT1",009',
    '"FH",01',
    '"SH",2026/04/07 00:00:00 -0700,2026/04/08 23:59:59 -0700,"MERCHANT1",""',
    COLUMNS,
    SALE,
    BACK,
    '"SF","EUR",5990,1000,25,239,0,4776',
    '"SC",2',
    '"RF","EUR",5990,1000,25,239',
    '"RC",2',
    '"FF",2',
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_paypal_settlement_report_is_read(encoding: str):
    data = SETTLEMENT.decode().encode(encoding)
    found = contents(data)
    assert (found.format, found.accounts) == (Format("paypal.stl", "009"), ("MERCHANT1",))
    sale, back = entries(data)
    assert (sale.amount_minor, sale.gross_minor, sale.fee_minor) == (5751, 5990, -239)
    assert (back.amount_minor, back.gross_minor, back.fee_minor) == (-975, -1000, 25)
    assert (sale.references.bank, sale.references.order, sale.kind) == ("T1", "A-1", "T0006")
    assert (back.references.bank, back.references.payment) == ("", "T1")
    assert sale.booked_on == date(2026, 4, 7)


def test_column_names_may_be_short_and_a_date_missing():
    data = SETTLEMENT.decode().replace("Gross Transaction ", "Gross ").replace("Gross C", "C")
    data = data.replace("Transaction  Debit", "Debit").replace(
        '0700,2026/04/07 00:01:17 -0700,"CR"', '0700,,"CR"'
    )
    assert [each.booked_on for each in entries(data.encode())] == [
        date(2026, 4, 7),
        date(2026, 4, 8),
    ]


def test_a_section_that_states_no_rows_is_accepted():
    data = csv(
        *SETTLEMENT.decode().splitlines()[:4], '"SF","EUR",0,0,0,0', '"SC",0', '"RC",0', '"FF",0'
    )
    assert contents(data).statements[0].totals == ()


def changed(old: str, new: str) -> bytes:
    text = SETTLEMENT.decode()
    assert old in text
    return text.replace(old, new).encode()


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (SETTLEMENT.partition(b'"SF"')[0], 6, "footers are missing"),
        (SETTLEMENT.partition(b'"RF"')[0], 8, "footers are missing"),
        (changed(f"{BACK}\r\n", ""), 6, "the sums in SF differ"),
        (changed('"SC",2', '"SC",3'), 8, "says that it has 3 entries, but has 2"),
        (changed('"RC",2', '"RC",3'), 10, "says that it has 3 rows"),
        (changed('"RC",2', '"RC",x'), 10, "not a count"),
        (changed("5990,1000,25", "5991,1000,25"), 7, "the sums in SF differ"),
        (changed('"CR",5990', '"CR",59.90'), 5, "not an amount in minor units"),
        (changed('"CR",5990', '"XX",5990'), 5, "neither CR nor DR"),
        (changed('239,"EUR"', '239,"USD"'), 5, "fee is in another currency"),
        (changed('5990,"EUR"', '5990,"EUX"'), 5, "ISO 4217"),
        (changed('-0700,"CR"', '-0700,"CR",""'), 5, "15 cells, but the header has 14"),
        (
            changed(',2026/04/07 00:01:17 -0700,"CR"', ',07.04.2026,"CR"'),
            5,
            "not a calendar date",
        ),
        (changed('"Transaction ID",', '"Number",'), 4, "must have the column Transaction id"),
        (changed(f"{COLUMNS}\r\n", ""), 4, "before CH"),
        (changed('"SH"', '"XX"'), 3, "record type"),
        (changed('"FH",01', '"SB",01'), 2, "outside of a section"),
        (changed('"SC",2', '"SH",1,2,"M"'), 8, "before the last has ended"),
        (csv('"RH",1,2,3,009', '"FF",0'), 0, "contains no section"),
        (csv('"RH",1', '"SH",1,2', '"FF",0'), 2, "names no account"),
    ],
)
def test_a_broken_paypal_report_is_refused_with_line_and_reason(
    data: bytes, line: int, reason: str
):
    found = refusal(data)
    assert reason in found.reason
    assert found.line == line
