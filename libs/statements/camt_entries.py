"""A CAMT entry and the payments that it books. Pure.

The sign is that of CdtDbtInd as defined by ISO 20022: an entry that reverses a debit is a credit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from libs.statements import amounts
from libs.statements.model import NO_REFERENCE, Detail, Entry, Party, References, State
from libs.statements.refusals import RefusedError
from libs.statements.xml_parts import Node

MOST_DETAILS: Final = 50_000
_SIGNS: Final = {"CRDT": 1, "DBIT": -1}
_STATES: Final = {
    "BOOK": State.BOOKED,
    "PDNG": State.PENDING,
    "FUTR": State.PENDING,
    "INFO": State.INFORMATION,
}
_YES: Final = frozenset({"true", "1"})
_REFERENCES: Final = {
    "bank": ("AcctSvcrRef",),
    "end_to_end": ("EndToEndId",),
    "mandate": ("MndtId",),
    "instruction": ("InstrId",),
    "transaction": ("TxId", "UETR"),
    "batch": ("PmtInfId",),
}


@dataclass(frozen=True, slots=True)
class Payment:
    """The content of an entry's TxDtls, before its sign is known. Amounts are unsigned."""

    line: int
    amount_minor: int | None
    currency: str
    is_ordered: bool  # whether the amount is the one instructed, possibly in another currency
    sign: int | None
    fees: tuple[tuple[int, str], ...]  # signed, with their currencies
    references: References
    text: str
    debtor: Party
    creditor: Party
    return_reason: str


def account(node: Node, name: str) -> str:
    """IBAN or other id, without spaces."""
    found = node.text_of(f"{name}/Id/IBAN", f"{name}/Id/Othr/Id", f"{name}/Prxy/Id")
    return found.replace(" ", "")


def amount(node: Node | None, *, what: str, line: int) -> tuple[int, str]:
    """Unsigned minor units and currency of an Amt."""
    if node is None:
        raise RefusedError(f"{what} is missing", line=line)
    currency = node.attributes.get("Ccy", "")
    return amounts.unsigned(node.text.strip(), currency, what=what, line=node.line), currency


def signed(node: Node, *, what: str) -> tuple[int, str]:
    """Amount of an element with Amt and CdtDbtInd."""
    found, currency = amount(node.find("Amt"), what=f"the amount of {what}", line=node.line)
    sign = _SIGNS.get(node.text_of("CdtDbtInd"))
    if sign is None:
        raise RefusedError(f"{what} is neither CRDT nor DBIT", line=node.line)
    return sign * found, currency


def payment(node: Node, *, place: str) -> Payment:
    """A payment from a TxDtls."""
    booked = node.find("Amt") or node.find("AmtDtls/TxAmt/Amt")
    written = booked or node.find("AmtDtls/InstdAmt/Amt")
    found: tuple[int | None, str] = (None, "")
    if written is not None:
        found = amount(written, what=f"the amount of a payment in {place}", line=node.line)
    parties = node.find("RltdPties") or Node("", {}, node.line)
    return Payment(
        line=node.line,
        amount_minor=found[0],
        currency=found[1],
        is_ordered=booked is None,
        sign=_SIGNS.get(node.text_of("CdtDbtInd")),
        fees=_fees(node, place),
        references=_references(node),
        text=_text(node),
        debtor=_party(parties, "Dbtr"),
        creditor=_party(parties, "Cdtr"),
        return_reason=node.text_of("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry"),
    )


def entry(node: Node, payments: Sequence[Payment], *, place: str) -> Entry:
    """An entry from an Ntry whose TxDtls have been taken out."""
    amount_minor, currency = signed(node, what=place)
    state = _STATES.get(node.text_of("Sts/Cd", "Sts") or "BOOK")
    if state is None:
        raise RefusedError(
            f"{place} is in a state other than BOOK, PDNG, FUTR, INFO", line=node.line
        )
    is_reversal = node.text_of("RvslInd") in _YES
    details = tuple(
        _detail(each, amount_minor, currency, alone=len(payments) == 1, turned=is_reversal)
        for each in payments
    )
    only = details[0] if len(details) == 1 else None
    bare = References(
        bank=_given(node.text_of("AcctSvcrRef")),
        batch=_given(node.text_of("NtryDtls/Btch/PmtInfId")),
    )
    found = Entry(
        line=node.line,
        booked_on=_day(node, "BookgDt", place),
        value_on=_day(node, "ValDt", place),
        amount_minor=amount_minor,
        currency=currency,
        references=bare.or_else(only.references) if only else bare,
        state=state,
        is_reversal=is_reversal,
        kind=_kind(node),
        text=(only.text if only else "") or node.text_of("AddtlNtryInf"),
        counterparty=only.counterparty if only else Party(),
        return_reason=only.return_reason if only else "",
        details=details,
    )
    if state is State.BOOKED and found.booked_on is None:
        if found.value_on is None:
            raise RefusedError(f"{place} has no date", line=node.line)
        found = replace(found, booked_on=found.value_on)
    return _accounted(found, _fees(node, place), [fee for each in payments for fee in each.fees])


def _kind(node: Node) -> str:
    """The bank's transaction code: ISO or proprietary."""
    domain = [node.text_of(f"BkTxCd/Domn/{path}") for path in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd")]
    return ".".join(filter(None, domain)) or node.text_of("BkTxCd/Prtry/Cd")


def _detail(
    payment: Payment, entry_minor: int, entry_currency: str, *, alone: bool, turned: bool
) -> Detail:
    sign = payment.sign or (-1 if entry_minor < 0 else 1)
    minor, currency = payment.amount_minor, payment.currency
    if minor is None or (payment.is_ordered and currency != entry_currency):
        minor, currency = (abs(entry_minor) if alone else None), entry_currency
    # A return still names the parties of the original payment.
    came = (sign > 0) != (turned or bool(payment.return_reason))
    return Detail(
        amount_minor=None if minor is None else sign * minor,
        currency=currency,
        references=payment.references,
        text=payment.text,
        counterparty=payment.debtor if came else payment.creditor,
        return_reason=payment.return_reason,
    )


def _accounted(
    entry: Entry, own: Sequence[tuple[int, str]], theirs: Sequence[tuple[int, str]]
) -> Entry:
    """The entry with the fees that explain the difference to its details. Fees of the
    entry and of its details may repeat each other; there are none if there is no difference. Their
    sign, often missing or wrong, is that of the difference. The rest stays unexplained.
    """
    stated = [each.amount_minor for each in entry.details if each.currency == entry.currency]
    parts = [minor for minor in stated if minor is not None]
    if not parts or len(parts) < len(entry.details):
        return entry
    gross_minor = sum(parts)
    of_entry = sum(minor for minor, currency in own if currency == entry.currency)
    of_details = sum(minor for minor, currency in theirs if currency == entry.currency)
    rest_minor = entry.amount_minor - gross_minor
    candidates = {0, abs(of_details), abs(of_entry), abs(of_details + of_entry)}
    fee_minor = rest_minor if abs(rest_minor) in candidates else of_details or of_entry
    return replace(
        entry,
        gross_minor=gross_minor,
        fee_minor=fee_minor,
        unexplained_minor=rest_minor - fee_minor,
    )


def _fees(node: Node, place: str) -> tuple[tuple[int, str], ...]:
    """Fees included in the amount, as far as stated: a cost unless marked as a credit."""
    found = []
    for charges in node.all("Chrgs"):
        records = [*charges.all("Rcrd")] or [charges]
        for record in records:
            written = record.find("Amt") or record.find("TtlChrgsAndTaxAmt")
            if written is None or record.text_of("ChrgInclInd") in {"false", "0"}:
                continue
            minor, currency = amount(written, what=f"a charge of {place}", line=record.line)
            found.append((minor if record.text_of("CdtDbtInd") == "CRDT" else -minor, currency))
    return tuple(found)


def _references(node: Node) -> References:
    found = {
        name: _given(node.text_of(*(f"Refs/{path}" for path in paths)))
        for name, paths in _REFERENCES.items()
    }
    return References(**found, creditor=_given(node.text_of("RmtInf/Strd/CdtrRefInf/Ref")))


def _given(reference: str) -> str:
    return "" if reference.upper() in NO_REFERENCE else reference


def _text(node: Node) -> str:
    """The payer's text, followed by a single payment's further references."""
    parts: list[str] = []
    if (remittance := node.find("RmtInf")) is not None:
        parts += [" ".join(each.text.split()) for each in remittance.all("Ustrd")]
        structured = [*remittance.all("Strd")]
        parts += [each.text_of("AddtlRmtInf") for each in structured]
        parts += [each.text_of("CdtrRefInf/Ref") for each in structured[1:]]
    return " ".join(filter(None, parts)) or node.text_of("AddtlTxInf")


def _party(parties: Node, name: str) -> Party:
    """Since version 7 the name is in Pty."""
    return Party(
        name=parties.text_of(
            f"{name}/Nm", f"{name}/Pty/Nm", f"Ultmt{name}/Nm", f"Ultmt{name}/Pty/Nm"
        ),
        account=account(parties, f"{name}Acct"),
    )


def _day(node: Node, name: str, place: str) -> date | None:
    text = node.text_of(f"{name}/Dt", f"{name}/DtTm")
    return amounts.day(text, what=f"{name} of {place}", line=node.line) if text else None
