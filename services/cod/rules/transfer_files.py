"""The file that asks a bank to make transfers: ISO 20022 pain.001.001.09 as used by SEPA. Pure.

EPC132-08 defines what SEPA accepts: Latin characters, structured addresses with town and country,
one execution date. The same transfers produce the same file, byte for byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from services.cod.rules import sepa

_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """Structured; banks require at least town and country."""

    town: str
    country: str
    street: str | None = None
    building_number: str | None = None
    postcode: str | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """Payer or payee, with the account. `address`: None if unknown."""

    holder: str
    iban: str
    address: PostalAddress | None = None
    bic: str | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """`reference` travels with the money to the payee; `instruction` is for this file alone. Both
    have at most 35 letters and digits. `purpose`: the text that the payee reads.
    """

    reference: str
    instruction: str
    to: Party
    amount_minor: int
    purpose: str


def written(
    message_id: str,
    debtor: Party,
    transfers: Sequence[Transfer],
    *,
    execution_on: date,
    now: datetime,
) -> str:
    """`message_id`: at most 35 letters and digits. A bank accepts each only once."""
    root = Element("Document", xmlns=_NAMESPACE)
    initiation = SubElement(root, "CstmrCdtTrfInitn")
    head = SubElement(initiation, "GrpHdr")
    _text(head, "MsgId", message_id)
    _text(head, "CreDtTm", now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    _sums(head, transfers)
    _text(SubElement(head, "InitgPty"), "Nm", sepa.cut(debtor.holder, sepa.NAME))
    payment = SubElement(initiation, "PmtInf")
    _text(payment, "PmtInfId", message_id)
    _text(payment, "PmtMtd", "TRF")
    # One booking per transfer, so that each can be found in the statement.
    _text(payment, "BtchBookg", "false")
    _sums(payment, transfers)
    _text(_path(payment, "PmtTpInf", "SvcLvl"), "Cd", "SEPA")
    _text(SubElement(payment, "ReqdExctnDt"), "Dt", execution_on.isoformat())
    _party(payment, "Dbtr", debtor)
    bank = _path(payment, "DbtrAgt", "FinInstnId")
    if debtor.bic:
        _text(bank, "BICFI", debtor.bic)
    else:
        _text(SubElement(bank, "Othr"), "Id", "NOTPROVIDED")
    _text(payment, "ChrgBr", "SLEV")
    for transfer in transfers:
        _transfer(SubElement(payment, "CdtTrfTxInf"), transfer)
    indent(root)
    return f"{_HEAD}{tostring(root, encoding='unicode')}\n"


def decimal(minor: int) -> str:
    """Amount in euros: 2550 becomes `25.50`."""
    return f"{minor // 100}.{minor % 100:02d}"


def _sums(to: Element, transfers: Sequence[Transfer]) -> None:
    _text(to, "NbOfTxs", str(len(transfers)))
    _text(to, "CtrlSum", decimal(sum(transfer.amount_minor for transfer in transfers)))


def _transfer(to: Element, transfer: Transfer) -> None:
    ids = SubElement(to, "PmtId")
    _text(ids, "InstrId", transfer.instruction)
    _text(ids, "EndToEndId", transfer.reference)
    amount = _text(SubElement(to, "Amt"), "InstdAmt", decimal(transfer.amount_minor))
    amount.set("Ccy", sepa.CURRENCY)
    _party(to, "Cdtr", transfer.to)
    _text(SubElement(to, "RmtInf"), "Ustrd", sepa.cut(transfer.purpose, sepa.REMITTANCE))


def _party(to: Element, role: str, party: Party) -> None:
    """Adds a party, and its account as a separate element."""
    made = SubElement(to, role)
    _text(made, "Nm", sepa.cut(party.holder, sepa.NAME))
    if party.address is not None and sepa.plain(party.address.town):
        _address(made, party.address)
    _text(_path(to, f"{role}Acct", "Id"), "IBAN", party.iban)


def _address(to: Element, address: PostalAddress) -> None:
    """Adds no empty elements: banks reject those. A text without any Latin characters is left
    out.
    """
    found = SubElement(to, "PstlAdr")
    for name, text, longest in (
        ("StrtNm", address.street, 70),
        ("BldgNb", address.building_number, 16),
        ("PstCd", address.postcode, 16),
        ("TwnNm", address.town, sepa.TOWN),
        ("Ctry", address.country, 2),
    ):
        if text and (plain := sepa.cut(text, longest)):
            _text(found, name, plain)


def _path(to: Element, *names: str) -> Element:
    for name in names:
        to = SubElement(to, name)
    return to


def _text(to: Element, name: str, text: str) -> Element:
    made = SubElement(to, name)
    made.text = text
    return made
