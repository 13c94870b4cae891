"""The formats of `:86:` that banks use: German `?20…?29` with SEPA keywords, Dutch and SWIFT
`/EREF/…/REMI/…`, the older `:NS:`; otherwise plain text. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from libs.statements.model import NO_REFERENCE, Entry, Party, References

_GERMAN: Final = re.compile(r"([0-9]{3})(\?)00|([0-9]{3})(\?)[1-6][0-9]")
_SUBFIELD: Final = re.compile(r"\?([0-9]{2})")
_SEPA: Final = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|COAM|OAMT|IBAN|BIC)\+")
_SLASHED: Final = re.compile(
    r"/(TRTP|IBAN|BIC|NAME|REMI|EREF|PREF|IREF|MARF|CSID|ORDP|BENM|CNTP|ISDT|PURP|RTRN|CREF|ULTD|ULTC|ADDR|ID|SVCL|OCMT)/"
)
_STRUCTURED: Final = re.compile(r"STRD/(?:[A-Z]{3})?/(.+)", re.DOTALL)
_TEXT_SUBFIELDS: Final = frozenset(f"{number}" for number in (*range(20, 30), *range(60, 64)))
_NATIONAL_TEXT: Final = frozenset(f"{number:02}" for number in range(1, 15))
_CODE_LENGTH: Final = 2


def with_text(entry: Entry, lines: Sequence[str], *, is_national: bool) -> Entry:
    """The booking completed from its text."""
    if is_national:
        return _national(entry, lines)
    joined = "".join(lines).strip()
    if _GERMAN.match(joined):
        return _german(entry, joined)
    if joined.startswith("/") and _SLASHED.match(joined):
        return _slashed(entry, joined)
    return replace(entry, text=_one_line([*lines, entry.text]))


def _one_line(parts: Sequence[str]) -> str:
    return " ".join(" ".join(parts).split())


def _german(entry: Entry, text: str) -> Entry:
    head, *pieces = _SUBFIELD.split(text)
    subfields = list(zip(pieces[::2], pieces[1::2], strict=True))
    remittance = "".join(value for code, value in subfields if code in _TEXT_SUBFIELDS)
    named = {code: value for code, value in subfields if code not in _TEXT_SUBFIELDS}
    free, *words = _SEPA.split(remittance)
    fields = {word: value.strip() for word, value in zip(words[::2], words[1::2], strict=True)}
    name = named.get("32", "") + named.get("33", "")
    return replace(
        entry,
        kind=f"{entry.kind}.{head.strip()}",
        text=_one_line(
            [
                free,
                fields.get("SVWZ", "") if words else "",
                named.get("00", "") if not remittance else "",
            ]
        ),
        counterparty=Party(
            name.strip(), (named.get("31") or fields.get("IBAN", "")).replace(" ", "")
        ),
        references=_references(entry, fields, mandate="MREF"),
    )


def _slashed(entry: Entry, text: str) -> Entry:
    _, *words = _SLASHED.split(text)
    fields: dict[str, str] = {}
    for word, value in zip(words[::2], words[1::2], strict=True):
        fields[word] = fields.get(word, "") or value.strip("/ ")
    remittance = fields.get("REMI", "").removeprefix("USTD//")
    structured = _STRUCTURED.match(remittance)
    account, _, rest = fields.get("CNTP", "").partition("/")
    _, _, name = rest.partition("/")
    found = _references(entry, fields, mandate="MARF")
    return replace(
        entry,
        text=_one_line([remittance if not structured else structured[1]]),
        counterparty=Party(
            (fields.get("NAME") or name.partition("/")[0]).strip(),
            fields.get("IBAN") or account.strip(),
        ),
        references=replace(found, creditor=structured[1].strip("/ ")) if structured else found,
        return_reason=fields.get("RTRN", "").partition("/")[0],
    )


def _references(entry: Entry, fields: dict[str, str], *, mandate: str) -> References:
    end_to_end = fields.get("EREF", "")
    return replace(
        entry.references,
        end_to_end="" if end_to_end.upper() in NO_REFERENCE else end_to_end,
        mandate=fields.get(mandate, ""),
        instruction=fields.get("IREF", ""),
        batch=fields.get("PREF", ""),
    )


def _national(entry: Entry, lines: Sequence[str]) -> Entry:
    """Lines with a two-digit code: 01 to 14 are the text, 15 the name, 17 the type."""
    coded = [(line[:_CODE_LENGTH], line[_CODE_LENGTH:].strip()) for line in lines]
    named = dict(coded)
    return replace(
        entry,
        text=_one_line([value for code, value in coded if code in _NATIONAL_TEXT]),
        counterparty=Party(named.get("15", ""), ""),
        kind=".".join(filter(None, [entry.kind, named.get("17", "")])),
    )
