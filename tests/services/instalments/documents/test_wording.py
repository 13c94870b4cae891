"""The wording is data: the same keys and values in each language, and evidence of what was shown."""

import hashlib
from string import Formatter

import pytest

from libs.display import LANGUAGES
from services.gateway.pay.texts import WORDS
from services.instalments.documents.wording import wording_of

WORDINGS = [wording_of(language) for language in LANGUAGES]


def values_of(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_language_says_the_same_with_the_same_values():
    first, *others = [
        {key: values_of(text) for key, text in words.texts.items()} for words in WORDINGS
    ]
    for other in others:
        assert other == first


def test_no_text_is_empty_or_left_in_the_other_language():
    it, en = (wording_of(language).texts for language in ("it", "en"))
    assert all(text.strip() for texts in (it, en) for text in texts.values())
    # Texts without words to translate: names, places and figures.
    same = {key for key in it if it[key] == en[key]}
    assert same == {
        "clauses.complaints.both",
        "contact.email",
        "figures.range",
        "information.kind_says.out_of_scope",
        "reminder.closing",
    }


@pytest.mark.parametrize("words", WORDINGS, ids=LANGUAGES)
def test_the_wording_has_one_version_in_all_languages_and_says_that_counsel_has_not_confirmed_it(
    words,
):
    assert words.version == WORDINGS[0].version
    assert not words.confirmed


def test_the_warning_is_that_of_the_law():
    warnings = [words.say("legal.warning") for words in WORDINGS]
    assert warnings == [
        "Attenzione! Prendere in prestito denaro costa denaro",
        "Caution! Borrowing money costs money",
    ]


def test_what_was_shown_is_proved_by_version_and_hash():
    shown = wording_of("en").shown("consent.both", count="3", total="€160.01", creditor="B")
    assert shown.text.startswith("I have received the information on paying in instalments")
    assert shown.version == wording_of("en").version
    assert shown.sha256 == hashlib.sha256(shown.text.encode()).hexdigest()


def test_braces_of_a_value_stay_braces():
    assert wording_of("en").say("page.order", reference="{0.__class__}") == "Order {0.__class__}"


def test_a_value_from_right_to_left_turns_only_itself():
    assert wording_of("it").say("page.order", reference="אב") == "Ordine \u2068אב\u2069"


def test_a_text_or_value_that_is_not_there_is_an_error():
    with pytest.raises(KeyError):
        wording_of("it").say("legal.nothing")
    with pytest.raises(KeyError):
        wording_of("it").say("legal.credit")


@pytest.mark.parametrize(("locale", "language"), [("it-CH", "it"), ("en-US", "en"), ("de", "en")])
def test_a_reader_gets_a_language_of_ours(locale: str, language: str):
    assert wording_of(locale).language == language


@pytest.mark.parametrize("words", WORDINGS, ids=LANGUAGES)
@pytest.mark.parametrize(
    "key",
    [
        "secci.exercise_says",
        "information.withdrawal_says",
        "clauses.withdrawal.credit",
        "clauses.withdrawal.deferral",
        "reminder.how",
    ],
)
def test_the_function_of_withdrawal_is_named_as_its_control_is_labelled(words, key):
    """A customer looks on the page for what the document names (art. 54-bis Codice del Consumo)."""
    opening, closing = {"it": "«»", "en": "“”"}[words.language]
    label = WORDS[words.language]["plan_withdraw_here"]
    assert f"{opening}{label}{closing}" in words.texts[key]
