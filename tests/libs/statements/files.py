"""Statement files as bytes, and the results of reading them. All data are synthetic."""

import io
from datetime import UTC, date, datetime

import pytest

from libs.statements import reading
from libs.statements.model import Contents, Entry
from libs.statements.refusals import RefusedError

IBAN = "IT60X0542811101000000123456"
SPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"
DAY = date(2026, 4, 7)
NOW = datetime(2026, 4, 8, tzinfo=UTC)


def contents(data: bytes) -> Contents:
    return reading.proven(lambda: io.BytesIO(data))


def entries(data: bytes) -> list[Entry]:
    found = contents(data)
    blocks = reading.blocks(lambda: io.BytesIO(data), found)
    return [entry for block in blocks for entry in block.entries]


def ids(data: bytes) -> list[str]:
    return [entry.id for entry in entries(data)]


def refusal(data: bytes) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        contents(data)
    return caught.value


def balance(code: str, amount: str, *, currency: str = "EUR", sign: str = "CRDT") -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        "<Dt><Dt>2026-04-07</Dt></Dt></Bal>\n"
    )


def entry(
    amount: str,
    sign: str = "CRDT",
    *,
    currency: str = "EUR",
    day: str = "2026-04-07",
    state: str = "<Sts>BOOK</Sts>",
    reference: str = "",
    extra: str = "",
    details: str = "",
) -> str:
    bank = f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{extra}{state}'
        f"<BookgDt><Dt>{day}</Dt></BookgDt>{bank}<NtryDtls>{details}</NtryDtls></Ntry>\n"
    )


def detail(amount: str, *, text: str = "", extra: str = "") -> str:
    return (
        f'<TxDtls><AmtDtls><TxAmt><Amt Ccy="EUR">{amount}</Amt></TxAmt></AmtDtls>{extra}'
        f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls>"
    )


def statement(*parts: str, name: str = "S1", kind: str = "Stmt", account: str = IBAN) -> str:
    return (
        f"<{kind}><Id>{name}</Id><Acct><Id><IBAN>{account}</IBAN></Id></Acct>\n"
        f"{''.join(parts)}</{kind}>\n"
    )


def camt(*statements: str, message: str = "BkToCstmrStmt", space: str = SPACE) -> bytes:
    namespace = f' xmlns="{space}"' if space else ""
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document{namespace}>\n<{message}>\n'
        f"<GrpHdr><MsgId>M</MsgId></GrpHdr>\n{''.join(statements)}</{message}>\n</Document>\n"
    )
    return text.encode()
