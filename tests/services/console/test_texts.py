"""Both languages have the same texts, and every refusal of the console has one."""

import re

import pytest

from libs.display import LANGUAGES
from libs.errors import Kind, Refusal, RemoteRefusal
from services.console import navigation, texts
from services.console.errors import (
    ChangedMeanwhile,
    FormForeign,
    FormOld,
    ReauthenticationNeeded,
    RoleTooLow,
    SignInFailed,
    SignInNeeded,
)
from services.console.routes import PAGES

PLACE = re.compile(r"\{(\w+)\}")


@pytest.mark.parametrize("area", texts.areas())
def test_both_languages_have_the_same_texts_and_placeholders(area: str):
    italian, english = (texts.read(area)[language] for language in ("it", "en"))
    assert italian.keys() == english.keys()
    for key, text in english.items():
        assert sorted(PLACE.findall(text)) == sorted(PLACE.findall(italian[key])), key
        assert text
        assert italian[key]


@pytest.mark.parametrize("area", [area for area in texts.areas() if area != texts.SHARED])
def test_an_area_overrides_only_shared_texts_of_states_messages_and_kinds(area: str):
    """Other keys would change the texts of the surrounding layout."""
    shared = texts.read(texts.SHARED)["en"].keys()
    common = shared & texts.read(area)["en"].keys()
    assert [key for key in common if not key.startswith(("state_", "notice_", "kind_"))] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "refusal", [RoleTooLow, FormForeign, FormOld, SignInFailed, ChangedMeanwhile]
)
def test_refusals_of_the_console_have_a_text(refusal: type[Refusal], language: str):
    assert refusal.reason in texts.read(texts.REFUSALS)[language]


def test_refusals_that_redirect_have_no_text():
    """These refusals redirect to sign-in, or to the proof of identity."""
    known = texts.read(texts.REFUSALS)["en"]
    for refusal in (SignInNeeded, ReauthenticationNeeded):
        assert refusal.reason not in known


@pytest.mark.parametrize("kind", Kind)
def test_a_refusal_without_a_text_falls_back_to_its_kind(kind: Kind):
    refusal = RemoteRefusal(kind, "nobody_wrote_words_for_this", "for developers")
    assert texts.refused(refusal, "en")
    assert "for developers" not in texts.refused(refusal, "it")


def test_every_area_of_the_navigation_has_a_page_and_a_name():
    paths = {page.path: page for page in PAGES if not page.changes}
    for area in navigation.AREAS:
        assert area.scope in paths[area.path].scopes
        assert paths[area.path].area == area.name
        assert f"area_{area.name}" in texts.words(texts.SHARED, "en")
