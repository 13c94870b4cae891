"""The PSPs' and the bank's files for a shop's month: Stripe's CSV, PayPal's STL, CAMT.053 and MT940, written by hand.

The bank line of a payout names it, unless it is Stripe's in euros; that one and couriers' remittances name only the payer.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Final

from bench.month_shop import Collected, Month, Moved, Payout, Transfer, payouts

IBAN: Final = "IT60X0542811101000000123456"
SPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
PAYERS: Final = {
    "stripe-it": "STRIPE PAYMENTS EUROPE",
    "cou_brt": "BRT SPA",
    "cou_gls": "GLS ITALY",
}
_STRIPE: Final = (
    "automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,available_on_utc,currency,"
    "gross,fee,net,reporting_category,source_id,description,charge_id,payment_intent_id,order_id,customer_name"
)
_PAYPAL: Final = (
    '"CH","Transaction ID","Invoice ID","PayPal Reference ID","Transaction Event Code","Transaction Initiation Date",'
    '"Transaction Completion Date","Transaction Debit or Credit","Gross Transaction Amount","Gross Transaction Currency",'
    '"Fee Debit or Credit","Fee Amount","Fee Currency","Custom Field"'
)
_CODES: Final = {
    "charge": "T0006",
    "refund": "T1107",
    "refund_failure": "T1115",
    "dispute": "T1201",
    "dispute_reversal": "T1202",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a bank statement."""

    on: date
    minor: int
    currency: str
    reference: str = ""
    text: str = ""
    payer: str = ""


def major(minor: int) -> str:
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02}"


def stripe(paid: Iterable[Payout]) -> bytes:
    rows = (_stripe_row(each, line) for each in paid for line in each.lines)
    return "\n".join((_STRIPE, *rows, "")).encode()


def _stripe_row(paid: Payout, line: Moved) -> str:
    at = line.at.astimezone(UTC)
    of = line.payment
    net = line.minor - line.fee
    names = f"ch_{of.number},{of.psp_reference},{of.order}" if of.is_named else ",,"
    return (
        f"{paid.name},{paid.on} 00:00:00,txn_{line.reference},{at:%Y-%m-%d %H:%M:%S},{paid.on} 00:00:00,"
        f"{of.currency.lower()},{major(line.minor)},{major(line.fee)},{major(net)},{line.what},{line.reference},Order,"
        f"{names},Mario Rossi"
    )


def paypal(paid: Sequence[Payout]) -> bytes:
    """One section: the lines, and a withdrawal for each payout."""
    rows = [
        row
        for each in paid
        for row in (*(_paypal_row(line) for line in each.lines), _withdrawal(each))
    ]
    first, last = min(each.on for each in paid), max(each.on for each in paid)
    parts = (
        f'"RH",{last:%Y/%m/%d} 00:00:01 +0000,"A","PPALACCOUNT",009',
        '"FH",1',
        f'"SH",{first:%Y/%m/%d} 00:00:00 +0000,{last:%Y/%m/%d} 23:59:59 +0000,"PPALACCOUNT",""',
        _PAYPAL,
        *rows,
        f'"SC",{len(rows)}',
        f'"RF",{len(rows)}',
        f'"RC",{len(rows)}',
        '"FF",1',
        "",
    )
    return "\n".join(parts).encode()


def _paypal_row(line: Moved) -> str:
    of, at = line.payment, f"{line.at.astimezone(UTC):%Y/%m/%d %H:%M:%S} +0000"
    sign = "DR" if line.minor < 0 else "CR"
    return (
        f'"SB","{line.reference}","{of.order}","{of.psp_reference}","{_CODES[line.what]}",{at},{at},"{sign}",'
        f'{abs(line.minor)},"{of.currency}","DR",{line.fee},"{of.currency}","{of.id}"'
    )


def _withdrawal(paid: Payout) -> str:
    at, sign = f"{paid.on:%Y/%m/%d} 06:00:00 +0000", "CR" if paid.minor < 0 else "DR"
    return (
        f'"SB","{paid.name}","","","T0400",{at},{at},"{sign}",{abs(paid.minor)},"{paid.currency}","DR",0,'
        f'"{paid.currency}",""'
    )


def bank_lines(month: Month) -> Iterator[Line]:
    """The bank lines of payouts, remittances and transfers."""
    for paid in payouts(month.moved):
        if paid.minor:
            yield line_of(paid, is_named=paid.account != "stripe-it" or paid.currency != "EUR")
    yield from _remittances(month.collected)
    yield from map(_transfer, month.transfers)


def line_of(paid: Payout, *, is_named: bool) -> Line:
    payer = PAYERS.get(paid.account, "")
    reference = f"B{paid.currency}{paid.account[:4]}{paid.on:%m%d}"
    text = f"PAYOUT {paid.name}" if is_named else "STRIPE"
    return Line(paid.on, paid.minor, paid.currency, reference, text, payer)


def _remittances(collected: Iterable[Collected]) -> Iterator[Line]:
    sums: dict[str, tuple[Collected, int]] = {}
    for cash in collected:
        _, before = sums.get(cash.remittance, (cash, 0))
        sums[cash.remittance] = cash, before + cash.minor - cash.cut
    for name, (cash, minor) in sums.items():
        yield Line(cash.remitted_on, minor, "EUR", f"B{name}", "RIMESSA", PAYERS[cash.courier])


def _transfer(transfer: Transfer) -> Line:
    day = transfer.at.date()
    return Line(day, transfer.minor, "EUR", transfer.reference, "saldo", "MARIO ROSSI")


def camt(lines: Sequence[Line]) -> bytes:
    """One statement per day for an account that starts at zero."""
    parts, balance = [], 0
    for number, (day, entries) in enumerate(_by_day(lines), 1):
        opening, balance = balance, balance + sum(line.minor for line in entries)
        ends = (_balance("OPBD", opening, day), _balance("CLBD", balance, day))
        body = "".join(map(_entry, entries))
        account = f"<Acct><Id><IBAN>{IBAN}</IBAN></Id></Acct>"
        parts.append(f"<Stmt><Id>S{number}</Id>{account}\n{''.join(ends)}{body}</Stmt>\n")
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{SPACE}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>M</MsgId></GrpHdr>\n{''.join(parts)}</BkToCstmrStmt></Document>\n"
    ).encode()


def _by_day(lines: Iterable[Line]) -> list[tuple[date, list[Line]]]:
    days: dict[date, list[Line]] = {}
    for line in lines:
        days.setdefault(line.on, []).append(line)
    return sorted(days.items())


def _signed(minor: int) -> tuple[str, str]:
    return major(abs(minor)), "CRDT" if minor >= 0 else "DBIT"


def _balance(code: str, minor: int, day: date) -> str:
    amount, sign = _signed(minor)
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        f"<Dt><Dt>{day}</Dt></Dt></Bal>\n"
    )


def _entry(line: Line) -> str:
    amount, sign = _signed(line.minor)
    role = "Dbtr" if line.minor >= 0 else "Cdtr"
    payer = (
        f"<RltdPties><{role}><Pty><Nm>{line.payer}</Nm></Pty></{role}></RltdPties>"
        if line.payer
        else ""
    )
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"<BookgDt><Dt>{line.on}</Dt></BookgDt><ValDt><Dt>{line.on}</Dt></ValDt><AcctSvcrRef>{line.reference}</AcctSvcrRef>"
        f"<NtryDtls><TxDtls>{payer}<RmtInf><Ustrd>{line.text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n"
    )


def mt940(lines: Sequence[Line], currency: str) -> bytes:
    """The same in MT940, for another account."""
    parts, balance = [], 0
    for number, (day, entries) in enumerate(_by_day(lines), 1):
        opening, balance = balance, balance + sum(line.minor for line in entries)
        parts += [f":20:STMT{number}", ":25:CH9300762011623852957", f":28C:{number}/1"]
        parts.append(
            f":60F:{_mark(opening)}{day - timedelta(days=1):%y%m%d}{currency}{_comma(opening)}"
        )
        for line in entries:
            moved = f"{line.on:%y%m%d}{line.on:%m%d}{_mark(line.minor)}{_comma(line.minor)}"
            parts += [f":61:{moved}NTRFNONREF//{line.reference}", f":86:{line.payer} {line.text}"]
        parts += [f":62F:{_mark(balance)}{day:%y%m%d}{currency}{_comma(balance)}", "-"]
    return "\r\n".join((*parts, "")).encode()


def _mark(minor: int) -> str:
    return "C" if minor >= 0 else "D"


def _comma(minor: int) -> str:
    return f"{abs(minor) // 100},{abs(minor) % 100:02}"
