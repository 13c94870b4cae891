"""The file for the bank: valid against its schema, exact, in SEPA's characters."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache
from importlib import resources
from typing import Final
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from services.cod.rules import sepa, transfer_files
from services.cod.rules.transfer_files import Party, PostalAddress, Transfer

SPACE: Final = {"": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}
SHOP: Final = Party(
    "Bottega Zoë & Figli S.r.l.",
    "IT60X0542811101000000123456",
    PostalAddress("Milano", "IT", street="Via Torino", building_number="12", postcode="20123"),
)
NOW: Final = datetime(2026, 11, 26, 12, tzinfo=UTC)
GIULIA: Final = Party(
    "Giulia Bianchi",
    "DE89370400440532013000",
    PostalAddress("Roma", "IT", street="Via Roma 1", postcode="00185"),
)


@cache
def schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(resources.files("sepaxml") / "schemas" / "pain.001.001.09.xsd"))


def transfer(amount_minor: int = 25_50, to: Party = GIULIA, purpose: str = "Rimborso") -> Transfer:
    return Transfer("crf1", "crf1-1", to, amount_minor, purpose)


def written(*transfers: Transfer, debtor: Party = SHOP) -> str:
    on = date(2026, 11, 27)
    return transfer_files.written("cre1", debtor, transfers, execution_on=on, now=NOW)


def texts(file: str, path: str) -> Sequence[str | None]:
    return [found.text for found in ET.fromstring(file).iterfind(path, SPACE)]


def test_a_file_is_valid_and_contains_the_payments():
    file = written(transfer(), transfer(10_05, Party("Marco", "FR1420041010050500013M02606")))
    schema().validate(file)
    assert texts(file, ".//NbOfTxs") == ["2", "2"]
    assert texts(file, ".//CtrlSum") == ["35.55", "35.55"]
    assert texts(file, ".//InstdAmt") == ["25.50", "10.05"]
    assert texts(file, ".//ReqdExctnDt/Dt") == ["2026-11-27"]
    assert texts(file, ".//Cdtr/Nm") == ["Giulia Bianchi", "Marco"]
    assert texts(file, ".//CdtrAcct/Id/IBAN")[0] == "DE89370400440532013000"
    assert texts(file, ".//Cdtr/PstlAdr/TwnNm") == ["Roma"]
    assert texts(file, ".//Dbtr/Nm") == ["Bottega Zoe + Figli S.r.l."]
    assert texts(file, ".//Dbtr/PstlAdr/*") == ["Via Torino", "12", "20123", "Milano", "IT"]
    assert texts(file, ".//DbtrAgt/FinInstnId/Othr/Id") == ["NOTPROVIDED"]
    assert "AdrLine" not in file


def test_the_file_has_the_debtors_bic_if_it_is_known():
    file = written(transfer(), debtor=Party("Shop", SHOP.iban, SHOP.address, "BPPIITRRXXX"))
    schema().validate(file)
    assert texts(file, ".//DbtrAgt/FinInstnId/BICFI") == ["BPPIITRRXXX"]


def test_the_same_transfer_yields_the_same_file():
    assert written(transfer()) == written(transfer())


@pytest.mark.parametrize(
    ("minor", "euros"),
    [(1, "0.01"), (10, "0.10"), (1_00, "1.00"), (999_999_999_99, "999999999.99")],
)
def test_amounts_are_exact(minor, euros):
    assert texts(written(transfer(minor)), ".//InstdAmt") == [euros]


def test_an_address_whose_town_cannot_be_transliterated_is_left_out():
    file = written(transfer(to=Party("Marco", GIULIA.iban, PostalAddress("★", "IT"))))
    schema().validate(file)
    assert texts(file, ".//Cdtr/PstlAdr") == []


WORDS = st.text(min_size=1, max_size=150)
PARTIES = st.builds(
    Party,
    st.text(min_size=1, max_size=70).filter(lambda text: sepa.plain(text) != ""),
    st.just(GIULIA.iban),
    st.none()
    | st.builds(PostalAddress, WORDS, st.just("IT"), street=st.none() | WORDS, postcode=WORDS),
)


@settings(max_examples=40)
@given(
    st.lists(
        st.builds(
            transfer, st.integers(1, 10**11), PARTIES, st.text(max_size=200).map("R-{}".format)
        ),
        min_size=1,
        max_size=3,
    )
)
def test_whatever_people_are_called_the_file_is_valid_and_adds_up(transfers):
    file = written(*transfers)
    schema().validate(file)
    assert file.isascii()
    assert not re.search(r"<(Nm|TwnNm|StrtNm|Ustrd)>[^<]*//", file)
    total = sum(each.amount_minor for each in transfers)
    assert texts(file, ".//CtrlSum") == [transfer_files.decimal(total)] * 2
    amounts = [int(str(each).replace(".", "")) for each in texts(file, ".//InstdAmt")]
    assert sum(amounts) == total
