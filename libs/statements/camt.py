"""CAMT.052, .053 and .054 of ISO 20022 in any version: elements are processed by name, as they
arrive. Pure.

A statement's balances and summary are read wherever they appear in it; its entries are read by
`camt_entries`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from libs.statements import amounts, camt_entries, xml_parts
from libs.statements.camt_entries import Payment
from libs.statements.model import Balance, Claim, Ending, Event, Format, Heading
from libs.statements.refusals import RefusedError
from libs.statements.xml_parts import Node

# The names of the message and of a statement in it.
_MESSAGES: Final = {
    "BkToCstmrAcctRpt": ("camt.052", "Rpt"),
    "BkToCstmrStmt": ("camt.053", "Stmt"),
    "BkToCstmrDbtCdtNtfctn": ("camt.054", "Ntfctn"),
}
_VERSION: Final = re.compile(r"camt\.05[234]\.(001\.[0-9]{2})")
_ABOUT: Final = frozenset({
    "Id", "ElctrncSeqNb", "LglSeqNb", "StmtPgntn", "RptPgntn", "NtfctnPgntn", "Acct", "Bal", "TxsSummry",
})  # fmt: skip  # a set of names
_MOST_ABOUT: Final = 100  # elements of a statement besides its entries
_OPENING: Final = ("OPBD", "PRCD")  # of the day, or the previous closing balance
_CLOSING: Final = "CLBD"
_INTERIM: Final = "ITBD"
_COUNT: Final = re.compile(r"[0-9]{1,15}")


class _Message(xml_parts.Shape):
    """The statements of a message, as parts for the XML reader."""

    inner = "TxDtls"

    def __init__(self) -> None:
        self.format: Format | None = None
        self.root = ""
        self.taken: list[Node | tuple[str, int]] = []
        self._message = ""
        self._statement = ""
        self._is_inside = False

    def begins(self, name: str, namespace: str, line: int) -> bool:
        self.root = self.root or name
        if self._is_inside:
            return True
        if self._message:
            self._is_inside = name == self._statement
            if self._is_inside:
                self.taken.append(("begins", line))
            return not self._is_inside
        if name in _MESSAGES:
            if self.format is not None:
                raise RefusedError(
                    "contains a second message: split it, one message per file", line=line
                )
            kind, self._statement = _MESSAGES[name]
            version = _VERSION.search(namespace)
            self.format = Format(kind, version[1] if version and kind in namespace else "")
            self._message = name
        return False

    def ends(self, name: str, line: int) -> None:
        if self._is_inside:
            self.taken.append(("ends", line))
            self._is_inside = False
        elif name == self._message:
            self._message = ""

    def has(self, part: Node) -> None:
        if self._is_inside:
            self.taken.append(part)


def read(chunks: Iterable[bytes]) -> Iterator[Event]:
    message = _Message()
    statement: _Statement | None = None
    count, is_announced = 0, False
    for _ in xml_parts.feeder(message, chunks):
        if message.format is not None and not is_announced:
            is_announced = True
            yield message.format
        for taken in message.taken:
            if isinstance(taken, Node):
                assert statement is not None
                yield from statement.events(taken)
            elif taken[0] == "begins":
                assert message.format is not None
                count += 1
                statement = _Statement(message.format.name, taken[1], place=f"statement {count}")
            else:
                assert statement is not None
                yield from statement.ended(taken[1])
        message.taken = []
    if message.format is None:
        raise RefusedError(
            "is XML but not a bank statement in CAMT.052, CAMT.053 or CAMT.054", line=1
        )
    if not count:
        raise RefusedError("contains no statement")


class _Statement:
    def __init__(self, kind: str, line: int, *, place: str) -> None:
        self._kind = kind
        self._line = line
        self._place = place
        self._about: list[Node] = []
        self._payments: list[Payment] = []
        self._currencies: set[str] = set()
        self._count = 0
        self._is_headed = False

    def events(self, part: Node) -> Iterator[Event]:
        if part.name == "TxDtls":
            self._pay(part)
        elif part.name == "Ntry":
            if not self._is_headed:
                yield self._heading()
            self._count += 1
            entry = camt_entries.entry(
                part, self._payments, place=f"entry {self._count} of {self._place}"
            )
            self._payments = []
            self._currencies.add(entry.currency)
            yield entry
        elif part.name in _ABOUT:
            self._about.append(part)
            if len(self._about) > _MOST_ABOUT:
                raise RefusedError(
                    f"{self._place} has more than {_MOST_ABOUT} elements besides its entries",
                    line=part.line,
                )

    def _pay(self, part: Node) -> None:
        if len(self._payments) >= camt_entries.MOST_DETAILS:
            raise RefusedError(
                f"{self._place} has an entry of more than {camt_entries.MOST_DETAILS} payments",
                line=part.line,
            )
        self._payments.append(
            camt_entries.payment(part, place=f"entry {self._count + 1} of {self._place}")
        )

    def ended(self, line: int) -> Iterator[Event]:
        if not self._is_headed:
            yield self._heading()
        balances = tuple(self._balance(node) for node in self._about if node.name == "Bal")
        opening, closing, is_interim = self._ends(balances)
        yield Ending(
            line,
            opening=opening,
            closing=closing,
            balances=balances,
            needs_balances=self._kind == "camt.053",
            is_provisional=is_interim and self._kind == "camt.052",
            claim=self._claim(),
        )

    def _heading(self) -> Heading:
        self._is_headed = True
        found = Node("", {}, self._line)
        found.children = self._about
        name, account = found.text_of("Id"), camt_entries.account(found, "Acct")
        for text, what in ((name, "no Id"), (account, "no account")):
            if not text:
                raise RefusedError(f"{self._place} has {what}", line=self._line)
        return Heading(
            self._line,
            account=account,
            id=name,
            number=found.text_of("ElctrncSeqNb", "LglSeqNb"),
            page=found.text_of("StmtPgntn/PgNb", "RptPgntn/PgNb", "NtfctnPgntn/PgNb"),
        )

    def _ends(self, balances: Sequence[Balance]) -> tuple[Balance | None, Balance | None, bool]:
        """Opening balance, closing balance, and whether the closing balance is an intraday one."""
        by_kind: dict[str, list[Balance]] = {}
        for balance in balances:
            by_kind.setdefault(balance.kind, []).append(balance)
        interim, closings = by_kind.get(_INTERIM, []), by_kind.get(_CLOSING, [])
        openings = [balance for kind in _OPENING for balance in by_kind.get(kind, [])]
        if not openings and len(interim) + bool(closings) > 1:
            openings, interim = interim[:1], interim[1:]
        found = closings or interim
        return openings[0] if openings else None, found[-1] if found else None, not closings

    def _balance(self, node: Node) -> Balance:
        what = f"a balance of {self._place}"
        amount_minor, currency = camt_entries.signed(node, what=what)
        day = node.text_of("Dt/Dt", "Dt/DtTm")
        return Balance(
            amount_minor,
            currency,
            amounts.day(day, what=f"the date of {what}", line=node.line) if day else None,
            kind=node.text_of("Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry"),
        )

    def _claim(self) -> Claim:
        """Totals from the summary, if the statement has one, in the currency of the entries."""
        node = next((each for each in self._about if each.name == "TxsSummry"), None)
        if node is None:
            return Claim()
        count = node.text_of("TtlNtries/NbOfNtries")
        return Claim(
            entries=int(count) if _COUNT.fullmatch(count) else None,
            credits_minor=self._sum(node, "TtlCdtNtries/Sum"),
            debits_minor=self._sum(node, "TtlDbtNtries/Sum"),
        )

    def _sum(self, node: Node, path: str) -> int | None:
        text = node.text_of(path)
        if not text or len(self._currencies) != 1:
            return None
        (currency,) = self._currencies
        what = f"a sum in the summary of {self._place}"
        return amounts.unsigned(text, currency, what=what, line=node.line)
