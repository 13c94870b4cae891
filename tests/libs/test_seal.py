"""Sealed texts can be opened only with one of our keys, unaltered and in time."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from libs.seal import Seal, SealBrokenError, keys_of

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_a_sealed_text_opens_after_a_key_rotation():
    sealed = Seal([OLD]).close("lnk_1/abc")
    assert "abc" not in sealed
    assert Seal([NEW, OLD]).open(sealed) == "lnk_1/abc"


@pytest.mark.parametrize("sealed", ["", "x", "gAAAAA", "é"])
def test_an_unsealed_text_is_refused(sealed):
    with pytest.raises(SealBrokenError):
        Seal([NEW]).open(sealed)


def test_an_altered_foreign_or_expired_seal_is_refused():
    sealed = Seal([OLD]).close("text")
    altered = sealed[:40] + ("A" if sealed[40] != "A" else "B") + sealed[41:]
    with pytest.raises(SealBrokenError):
        Seal([OLD]).open(altered)
    with pytest.raises(SealBrokenError):
        Seal([NEW]).open(sealed)
    with pytest.raises(SealBrokenError):
        Seal([OLD]).open(sealed, max_age=timedelta(seconds=-1))


def test_keys_are_separated_by_commas():
    assert keys_of(f" {NEW}, {OLD},") == (NEW, OLD)
