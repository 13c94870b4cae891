"""Names that SEPA can carry, and how accounts are masked."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cod.rules import refund_accounts, sepa
from services.cod.rules.refund_accounts import MaskedAccount, RefundAccount

LETTERS = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]*")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Zoë & Łukasz", "Zoe + Lukasz"),
        ("D\u2019Angelo  Niccolò", "D'Angelo Niccolo"),
        ("Straße 5/7//a", "Strasse 5/7/a"),
        ("/Rossi/", "Rossi"),
        ("Ελένη", "Eleni"),
        ("a_b@c", "a b c"),
    ],
)
def test_texts_are_transliterated_to_sepa_characters(text, written):
    assert sepa.plain(text) == written


@given(st.text(max_size=70))
def test_whatever_is_told_is_written_in_the_letters_of_sepa(text):
    written = sepa.plain(text)
    assert LETTERS.fullmatch(written)
    assert "//" not in written
    assert written == written.strip(" /")
    assert sepa.plain(written) == written


@pytest.mark.parametrize(
    ("holder", "shown"),
    [("Giulia Bianchi", "G••• B•••"), ("Madonna", "M•••"), ("A B C D E", "A••• B••• C•••")],
)
def test_holder_and_iban_are_masked(holder, shown):
    account = RefundAccount(holder, "IT60X0542811101000000123456")
    assert refund_accounts.masked(account) == MaskedAccount(shown, "IT60 ••• 3456")
