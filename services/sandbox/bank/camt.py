"""Writes statements as CAMT.053, in version 2 or 8, valid against their schemas, piece by piece.
Pure.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from xml.sax.saxutils import escape

from services.sandbox.bank.statements import Booking, Payment, Statement, decimal

VERSIONS = ("001.02", "001.08")


def written(statements: Iterable[Statement], *, message_id: str, version: str) -> Iterator[str]:
    """A statement's balance is known only once its bookings are summed: `bookings` is read
    twice.
    """
    space = f"urn:iso:std:iso:20022:tech:xsd:camt.053.{version}"
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{space}">\n<BkToCstmrStmt>\n'
    for number, statement in enumerate(statements):
        if not number:
            yield f"<GrpHdr>{_tag('MsgId', message_id)}{_made(statement)}</GrpHdr>\n"
        yield from _statement(statement, is_new=version != VERSIONS[0])
    yield "</BkToCstmrStmt>\n</Document>\n"


def _statement(statement: Statement, *, is_new: bool) -> Iterator[str]:
    closing = statement.opening_minor + sum(
        booking.amount_minor for booking in statement.bookings if not booking.is_pending
    )
    account = f"<Id>{_tag('IBAN', statement.iban)}</Id>{_tag('Ccy', statement.currency)}"
    yield (
        f"<Stmt>\n{_tag('Id', statement.id)}<ElctrncSeqNb>{statement.number}</ElctrncSeqNb>"
        f"{_made(statement)}<Acct>{account}</Acct>\n"
        f"{_balance(statement, 'OPBD', statement.opening_minor, statement.opened_on)}"
        f"{_balance(statement, 'CLBD', closing, statement.closed_on)}"
    )
    for booking in statement.bookings:
        yield _booking(statement, booking, is_new=is_new)
    yield "</Stmt>\n"


def _made(statement: Statement) -> str:
    return _tag("CreDtTm", statement.made_at.isoformat(timespec="seconds"))


def _balance(statement: Statement, code: str, amount_minor: int, on: date) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_signed(statement, amount_minor)}"
        f"<Dt><Dt>{on.isoformat()}</Dt></Dt></Bal>\n"
    )


def _booking(statement: Statement, booking: Booking, *, is_new: bool) -> str:
    state = "PDNG" if booking.is_pending else "BOOK"
    family = "RCDT" if booking.amount_minor >= 0 else "ICDT"
    code = f"<Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>"
    return (
        f"<Ntry>{_signed(statement, booking.amount_minor)}"
        f"{'<RvslInd>true</RvslInd>' if booking.is_reversal else ''}"
        f"<Sts>{f'<Cd>{state}</Cd>' if is_new else state}</Sts>"
        f"<BookgDt><Dt>{booking.booked_on.isoformat()}</Dt></BookgDt>"
        f"<ValDt><Dt>{booking.value_on.isoformat()}</Dt></ValDt>"
        f"{_tag('AcctSvcrRef', booking.bank_reference)}<BkTxCd>{code}</BkTxCd>\n<NtryDtls>"
        f"{''.join(_payment(statement, each, is_new=is_new) for each in booking.payments)}"
        "</NtryDtls></Ntry>\n"
    )


def _payment(statement: Statement, payment: Payment, *, is_new: bool) -> str:
    amount = _amount(statement, payment.amount_minor)
    party = "Dbtr" if payment.amount_minor >= 0 else "Cdtr"
    name = _tag("Nm", payment.name)
    return (
        f"<TxDtls><Refs>{_tag('EndToEndId', payment.end_to_end or 'NOTPROVIDED')}</Refs>"
        f"<AmtDtls><TxAmt>{amount}</TxAmt></AmtDtls><RltdPties>"
        f"{_around(party, _around('Pty', name) if is_new else name)}"
        f"{_around(f'{party}Acct', _around('Id', _tag('IBAN', payment.iban)))}</RltdPties>"
        f"{_around('RmtInf', _remittance(payment))}</TxDtls>\n"
    )


def _remittance(payment: Payment) -> str:
    kind = "<Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp>"
    structured = f"<Strd><CdtrRefInf>{kind}{_tag('Ref', payment.reference)}</CdtrRefInf></Strd>"
    return _tag("Ustrd", payment.text) + (structured if payment.reference else "")


def _signed(statement: Statement, amount_minor: int) -> str:
    sign = "DBIT" if amount_minor < 0 else "CRDT"
    return f"{_amount(statement, amount_minor)}<CdtDbtInd>{sign}</CdtDbtInd>"


def _amount(statement: Statement, amount_minor: int) -> str:
    figures = decimal(amount_minor, statement.places)
    return f'<Amt Ccy="{statement.currency}">{figures}</Amt>'


def _tag(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else ""


def _around(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>" if inner else ""
