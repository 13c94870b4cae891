"""CAMT accounts and entries in the variants that banks write."""

from datetime import date

import pytest

from libs.statements.model import Format, Party, State
from tests.libs.statements.files import (
    IBAN,
    balance,
    camt,
    contents,
    detail,
    entries,
    entry,
    refusal,
    statement,
)

RETURNED = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"
PARTIES = (
    "<RltdPties><Dbtr><Nm>Giulia Bianchi</Nm></Dbtr><DbtrAcct><Id><IBAN>IT1</IBAN></Id></DbtrAcct>"
    "<Cdtr><Pty><Nm>Bottega</Nm></Pty></Cdtr></RltdPties>"
)


def one(*parts: str, opening: str = "10.00", closing: str) -> bytes:
    return camt(statement(balance("OPBD", opening), balance("CLBD", closing), *parts))


@pytest.mark.parametrize("version", ["001.02", "001.04", "001.08", "001.13"])
@pytest.mark.parametrize(
    ("message", "kind", "name"),
    [
        ("BkToCstmrAcctRpt", "Rpt", "camt.052"),
        ("BkToCstmrStmt", "Stmt", "camt.053"),
        ("BkToCstmrDbtCdtNtfctn", "Ntfctn", "camt.054"),
    ],
)
def test_camt_052_053_and_054_are_read_in_each_version(
    message: str, kind: str, name: str, version: str
):
    space = f"urn:iso:std:iso:20022:tech:xsd:{name}.{version}"
    found = contents(camt(statement(entry("1.00"), kind=kind), message=message, space=space))
    assert found.format == Format(name, version)
    assert found.accounts == (IBAN,)


@pytest.mark.parametrize("space", ["", "urn:bank:of:its:own"])
def test_a_missing_or_proprietary_namespace_is_accepted(space: str):
    found = contents(camt(statement(entry("1.00")), space=space))
    assert (found.format, len(found.statements)) == (Format("camt.053", ""), 1)


def test_a_message_within_an_envelope_is_read():
    inside = camt(statement(entry("1.00"))).partition(b"?>")[2]
    data = b"<DataPDU><Header><Id>x</Id></Header><Body><AppHdr/>%b</Body></DataPDU>" % inside
    assert [each.amount_minor for each in entries(data)] == [100]


def test_utf_16_and_windows_1252_are_read_as_declared():
    text = camt(statement(entry("1.00", details=detail("1.00", text="Forlì")))).decode()
    for encoding in ("UTF-16", "windows-1252"):
        data = text.replace("UTF-8", encoding).encode(encoding)
        assert entries(data)[0].text == "Forlì"


@pytest.mark.parametrize("state", ["<Sts>PDNG</Sts>", "<Sts><Cd>PDNG</Cd></Sts>"])
def test_pending_entries_are_in_no_total(state: str):
    data = one(entry("5.00"), entry("7.00", state=state), closing="15.00")
    (found,) = contents(data).statements
    assert (found.adds_up, found.others, found.totals[0].credits_minor) == (True, 1, 500)
    assert [each.state for each in entries(data)] == [State.BOOKED, State.PENDING]


def test_an_unknown_entry_state_is_refused():
    reason = refusal(one(entry("5.00", state="<Sts><Cd>XXXX</Cd></Sts>"), closing="15.00"))
    assert (reason.line, "entry 1 of statement 1 is in a state" in reason.reason) == (8, True)


def test_a_batch_lists_its_payments_with_their_own_ids():
    data = one(
        entry("429.56", details=detail("329.56", text="A") + detail("100.00", text="B")),
        closing="439.56",
    )
    (found,) = entries(data)
    assert [(each.amount_minor, each.text) for each in found.details] == [
        (32956, "A"),
        (10000, "B"),
    ]
    assert [each.id for each in found.details] == [f"{found.id}-1", f"{found.id}-2"]
    assert (found.amount_minor, found.gross_minor, found.fee_minor) == (42956, 42956, 0)


@pytest.mark.parametrize(
    "charges",
    [
        '<Chrgs><Amt Ccy="EUR">26.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></Chrgs>',
        '<Chrgs><TtlChrgsAndTaxAmt Ccy="EUR">26.00</TtlChrgsAndTaxAmt></Chrgs>',
        '<Chrgs><Rcrd><Amt Ccy="EUR">20.00</Amt></Rcrd><Rcrd><Amt Ccy="EUR">6.00</Amt></Rcrd></Chrgs>',
    ],
)
@pytest.mark.parametrize("of", ["entry", "payment", "both"])
def test_charges_explain_the_difference_to_the_payment(charges: str, of: str):
    inside = charges if of != "entry" else ""
    beside = charges if of != "payment" else ""
    data = one(
        entry("1526.00", "DBIT", extra="", details=detail("1500.00", extra=inside)).replace(
            "<NtryDtls>", f"{beside}<NtryDtls>"
        ),
        opening="2000.00",
        closing="474.00",
    )
    (found,) = entries(data)
    assert (found.amount_minor, found.gross_minor, found.fee_minor) == (-152600, -150000, -2600)
    assert found.unexplained_minor == 0


def test_charges_without_a_sign_take_that_of_the_difference():
    charges = '<Chrgs><Amt Ccy="EUR">26.00</Amt></Chrgs>'
    booked = entry("1526.00", details=detail("1500.00", extra=charges))
    (found,) = entries(one(booked, closing="1536.00"))
    assert (found.gross_minor, found.fee_minor, found.unexplained_minor) == (150000, 2600, 0)


def test_a_difference_without_charges_is_unexplained():
    (found,) = entries(one(entry("5.00", details=detail("5.50")), closing="15.00"))
    assert (found.gross_minor, found.fee_minor, found.unexplained_minor) == (550, 0, -50)


def test_a_payment_in_another_currency_is_kept_unconverted():
    other = detail("7.00").replace("EUR", "SEK")
    (found,) = entries(one(entry("5.00", details=other), closing="15.00"))
    assert [(each.amount_minor, each.currency) for each in found.details] == [(700, "SEK")]
    assert found.gross_minor is None


def test_a_reversal_has_the_sign_it_is_booked_with():
    data = one(
        entry("5.00", "DBIT"),
        entry("5.00", "CRDT", extra="<RvslInd>true</RvslInd>"),
        closing="10.00",
    )
    assert [(each.amount_minor, each.is_reversal) for each in entries(data)] == [
        (-500, False),
        (500, True),
    ]


def test_a_reversal_with_the_original_sign_is_corrected_by_the_balance():
    data = one(
        entry("5.00", "DBIT"),
        entry("5.00", "DBIT", extra="<RvslInd>1</RvslInd>", details=detail("5.00")),
        closing="10.00",
    )
    found = entries(data)
    assert [each.amount_minor for each in found] == [-500, 500]
    assert (found[1].gross_minor, found[1].details[0].amount_minor) == (500, 500)


def test_the_payer_is_the_counterparty_of_a_payment_and_of_its_return():
    paid = detail("5.00", extra=PARTIES)
    data = one(
        entry("5.00", details=paid),
        entry("5.00", "DBIT", details=detail("5.00", extra=PARTIES + RETURNED)),
        closing="10.00",
    )
    found = entries(data)
    assert [each.counterparty for each in found] == [Party("Giulia Bianchi", "IT1")] * 2
    assert [each.return_reason for each in found] == ["", "AC04"]


def test_references_are_read_and_placeholders_are_ignored():
    refs = (
        "<Refs><AcctSvcrRef>B1</AcctSvcrRef><EndToEndId>NOTPROVIDED</EndToEndId><MndtId>M1</MndtId></Refs>"
        "<RmtInf><Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf>"
    )
    (found,) = entries(one(entry("5.00", details=f"<TxDtls>{refs}</TxDtls>"), closing="15.00"))
    assert found.references.bank == "B1"
    assert (found.references.end_to_end, found.references.mandate) == ("", "M1")
    assert found.references.creditor == "RF18539007547034"
    assert [each.amount_minor for each in found.details] == [500]


def test_currencies_have_the_decimals_of_iso_4217():
    def amounts(currency: str, text: str) -> list[int]:
        return [
            each.amount_minor for each in entries(camt(statement(entry(text, currency=currency))))
        ]

    assert amounts("JPY", "2700") == [2700]
    assert amounts("KWD", "1.234") == [1234]
    assert amounts("EUR", "1.50000") == [150]
    assert amounts("DEM", "1.5") == [150]


def test_a_statement_without_entries_adds_up_if_its_balances_are_equal():
    (found,) = contents(one(closing="10.00")).statements
    assert (found.adds_up, found.totals) == (True, ())
    assert entries(one(closing="10.00")) == []


def test_the_previous_closing_balance_serves_as_opening_balance():
    data = camt(statement(balance("PRCD", "1.00"), balance("CLBD", "2.00"), entry("1.00")))
    assert contents(data).statements[0].adds_up is True


def test_interim_balances_of_a_report_need_not_add_up():
    parts = (balance("OPBD", "1.00"), balance("ITBD", "5.00"), entry("1.00"))
    report = camt(statement(*parts, kind="Rpt"), message="BkToCstmrAcctRpt")
    assert contents(report).statements[0].adds_up is None
    assert "does not add up" in refusal(camt(statement(*parts))).reason


def test_balances_in_two_currencies_are_not_checked():
    data = camt(
        statement(balance("OPBD", "1.00"), balance("CLBD", "2.00", currency="SEK"), entry("9.00"))
    )
    (found,) = contents(data).statements
    assert (found.adds_up, found.closing and found.closing.currency) == (None, "SEK")


def test_the_booking_date_is_the_local_date_of_its_timestamp():
    data = camt(statement(entry("1.00"))).replace(
        b"<BookgDt><Dt>2026-04-07</Dt>", b"<BookgDt><DtTm>2026-04-07T23:59:00-02:00</DtTm>"
    )
    assert entries(data)[0].booked_on == date(2026, 4, 7)
