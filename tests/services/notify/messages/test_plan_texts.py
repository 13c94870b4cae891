"""The wording of plans' messages, by e-mail and SMS: as agreed, with the legal texts for credit only."""

from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.money import Money
from services.notify.messages import rendering
from services.notify.messages.rules import emails, gsm
from services.notify.messages.rules.domain import NOTICES, PLAN_KINDS, About, Kind, Merchant
from tests.services.notify.messages.neighbours import PLAN_URL
from tests.services.notify.messages.test_plan_messages import LAW

PRICELESS = {Kind.MAY_WITHDRAW, Kind.PLAN_WITHDRAWN, Kind.PLAN_COMPLETED}
GOLDEN = Path(__file__).with_name("golden")
NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
MERCHANT = Merchant("Ottica Rossi", "it", "#0b7a5a", "ciao@otticarossi.example")


def about(kind: Kind, legal_class: str, language: str) -> About:
    shows_a_price = kind not in PRICELESS
    law = LAW[language] if legal_class == "credit" and shows_a_price else ("",)
    return About(
        amount=Money(0 if kind is Kind.MAY_WITHDRAW else 5333, "EUR"),
        order_reference="A-1001",
        name="Giulia Bianchi",
        happened_at=NOW if kind is Kind.PLAN_WITHDRAWN else None,
        due_on=date(2026, 12, 26),
        plan={"en": "3 × €53.33", "it": "3 × 53,33 €"}[language],
        paragraphs=tuple(filter(None, law)),
        warning=law[0],
    )


@pytest.mark.parametrize("language", ["it", "en"])
@pytest.mark.parametrize("legal_class", ["credit", "deferral"])
@pytest.mark.parametrize("kind", sorted(PLAN_KINDS))
def test_email_wording_matches_the_golden_files_with_legal_texts_for_credit_only(
    kind, legal_class, language
):
    """Changed wording changes the golden file, which counsel reviews."""
    details = about(kind, legal_class, language)
    email = emails.compose(kind, details, MERCHANT, locale=language, url=PLAN_URL)
    envelope = rendering.Envelope("msg_1", "pay@incasso.example", "g@example.com", "Giulia", NOW)
    content = rendering.email_of(email, MERCHANT, envelope, public_url="https://pay.example")
    message = message_from_bytes(content, policy=policy.default)
    body = message.get_body(("plain",))
    assert body is not None
    text = f"{message['Subject']}\n\n{body.get_content()}".replace("\r\n", "\n").rstrip() + "\n"
    assert text == (GOLDEN / f"{kind}_{legal_class}_{language}.txt").read_text()
    assert (LAW[language][0] in text) is (legal_class == "credit" and kind not in PRICELESS)


@pytest.mark.parametrize("language", ["it", "en"])
@pytest.mark.parametrize("legal_class", ["credit", "deferral"])
def test_sms_wording_matches_the_golden_files_and_its_length_limits(legal_class, language):
    texts = []
    for kind in sorted(PLAN_KINDS):
        details = about(kind, legal_class, language)
        text = emails.text_message(kind, details, MERCHANT, locale=language, url=PLAN_URL)
        long = details.warning or kind in NOTICES
        assert gsm.septets(text) <= (gsm.TWO_PARTS if long else gsm.ONE_PART)
        assert (LAW[language][0] in text) is bool(details.warning)
        texts.append(f"{kind}: {text}\n")
    assert "".join(texts) == (GOLDEN / f"sms_{legal_class}_{language}.txt").read_text()


@given(
    st.sampled_from(sorted(PLAN_KINDS)), st.text(max_size=80), st.text(max_size=80), st.text("a/")
)
def test_neither_the_address_nor_the_warning_is_ever_cut(kind, merchant, reference, path):
    said = replace(about(kind, "credit", "it"), order_reference=reference, warning=LAW["it"][0])
    shop, url = replace(MERCHANT, name=merchant), f"https://pay.example/{path}"
    text = emails.text_message(kind, said, shop, locale="it", url=url)
    assert url in text
    assert LAW["it"][0].rstrip(".") in text
