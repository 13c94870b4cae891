"""The text of a key."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.logs import redact
from services.merchants.rules import credential
from services.merchants.rules.credential import Secret
from services.merchants.rules.domain import Kind


@pytest.mark.parametrize(("kind", "prefix"), [(Kind.SECRET, "sk"), (Kind.PUBLISHABLE, "pk")])
def test_a_secret_has_its_kinds_prefix_and_thirty_two_random_characters(kind: Kind, prefix: str):
    made = {credential.generate(kind) for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(rf"{prefix}_[0-9A-Za-z]{{32}}", secret.text) for secret in made)
    assert all(secret.is_well_formed and len(secret.hash) == 32 for secret in made)


def test_a_secret_is_redacted_from_reprs_and_logs():
    secret = credential.generate(Kind.SECRET)
    assert secret.text not in repr(secret)
    assert secret.text not in redact(f"the key {secret.text} is wrong")


@given(st.text(max_size=80))
def test_no_text_breaks_the_check(text: str):
    fits = re.fullmatch(r"(sk|pk)_[0-9A-Za-z]{32,64}", text) is not None
    assert Secret(text).is_well_formed == fits
