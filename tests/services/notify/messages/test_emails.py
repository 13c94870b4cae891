"""Wording: e-mails of every kind in both languages, and text messages of at most 160 characters."""

import itertools
import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs import rows
from libs.money import Money
from libs.sellers import Seller
from services.gateway.pay.rules import texts_en, texts_it
from services.notify.messages import rendering
from services.notify.messages.paylink_client import about_link
from services.notify.messages.rules import emails, gsm
from services.notify.messages.rules.domain import (
    LINK_KINDS,
    OWNER_KINDS,
    PLAN_KINDS,
    REPORT_KINDS,
    STOPPABLE,
    TEAM_KINDS,
    About,
    Item,
    Kind,
    Merchant,
)
from tests.services.notify.messages.neighbours import link_of, money

URL = "https://pay.example/p/3kTq9w0bZ6mHhJ8sX2yQvA"
PUBLIC = "https://pay.example"
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
MERCHANT = Merchant(
    "Ottica Rossi", "it", "#0b7a5a", "ciao@otticarossi.example", "https://rossi.example", "logo1"
)
ABOUT = About(
    amount=Money(12900, "EUR"),
    order_reference="A-1001",
    description="Occhiali",
    name="Giulia Bianchi",
    total=Money(25800, "EUR"),
    items=tuple(Item(f"Articolo {n}", n, 1000) for n in range(1, 12)),
    expires_at=NOW,
    happened_at=NOW,
    has_quote=True,
)
# The others are in test_owner_notices, test_plan_texts, test_report_mails and test_invitations.
SHOPPER_KINDS = sorted(set(Kind) - OWNER_KINDS - PLAN_KINDS - REPORT_KINDS - TEAM_KINDS)
ALL = list(itertools.product(SHOPPER_KINDS, ("it", "en")))


def mail(kind: Kind, locale: str, about: About = ABOUT, merchant: Merchant = MERCHANT):
    url = URL if kind in LINK_KINDS else ""
    email = emails.compose(kind, about, merchant, locale=locale, url=url)
    envelope = rendering.Envelope("msg_1", "pay@incasso.example", "g@example.com", about.name, NOW)
    content = rendering.email_of(email, merchant, envelope, public_url=PUBLIC)
    return message_from_bytes(content, policy=policy.default), content


@pytest.mark.parametrize(("kind", "locale"), ALL)
def test_every_mail_states_amount_order_merchant_and_its_links(kind: Kind, locale: str):
    message, content = mail(kind, locale)
    html = message.get_body(("html",)).get_content()
    text = message.get_body(("plain",)).get_content()
    amount = {"it": "129,00\xa0€", "en": "€129.00"}[locale]
    for body in (html, text):
        assert amount in body
        assert "A-1001" in body
        assert "Ottica Rossi" in body
        assert "{" not in re.sub(r"<style>.*?</style>", "", body, flags=re.DOTALL)
        assert (URL in body) is (kind in LINK_KINDS)
        assert (URL + "/stop-reminders" in body) is (kind in STOPPABLE)
    assert len(content) < 20_000
    assert ("List-Unsubscribe" in message) is (kind in STOPPABLE)
    assert f'lang="{locale}"' in html


@pytest.mark.parametrize(("kind", "locale"), ALL)
def test_mails_load_and_link_only_our_and_the_merchants_addresses(kind: Kind, locale: str):
    html = mail(kind, locale)[0].get_body(("html",)).get_content()
    assert re.findall(r'src="([^"]*)"', html) == [f"{PUBLIC}/logos/logo1"]
    assert "url(" not in html
    assert "<script" not in html
    assert "<link" not in html
    assert set(re.findall(r'href="(https?://[^/"]*)', html)) <= {PUBLIC, "https://rossi.example"}


@pytest.mark.parametrize(("kind", "locale"), ALL)
def test_every_shopper_mail_names_the_seller(kind: Kind, locale: str):
    seller = Seller("Rossi & Figli S.n.c.", "IT12345670017", "Via Po 1, Torino")
    message, _ = mail(kind, locale, merchant=replace(MERCHANT, seller=seller))
    number = {"it": "P. IVA IT12345670017", "en": "VAT no. IT12345670017"}[locale]
    line = f"Rossi & Figli S.n.c. · Via Po 1, Torino · {number}"
    assert line in message.get_body(("plain",)).get_content()
    assert line.replace("&", "&amp;") in message.get_body(("html",)).get_content()


@pytest.mark.parametrize("kind", sorted(OWNER_KINDS | REPORT_KINDS | TEAM_KINDS))
def test_mails_to_the_merchants_own_people_omit_the_seller(kind: Kind):
    merchant = replace(MERCHANT, seller=Seller("Rossi & Figli S.n.c."))
    assert emails.compose(kind, ABOUT, merchant, locale="it").seller == ""


def test_dark_mode_is_declared():
    html = mail(Kind.LINK, "it")[0].get_body(("html",)).get_content()
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "@media (prefers-color-scheme: dark)" in html


def test_typed_text_injects_neither_headers_nor_markup():
    evil = "Rossi\r\nBcc: all@example.com\n\n<script>alert(1)</script>\u202e"
    about = About(Money(100, "EUR"), order_reference=evil, description=evil, name=evil)
    merchant = Merchant(evil, "it", "", "ciao@rossi.example", "", "")
    message, content = mail(Kind.LINK, "it", about, merchant)
    head = content.partition(b"\r\n\r\n")[0].decode()
    assert not re.search(r"^Bcc:", head, re.MULTILINE)
    assert set(message.keys()) == {
        "Date", "Message-ID", "From", "To", "Reply-To", "Subject", "Auto-Submitted",
        "Content-Language", "MIME-Version", "Content-Type",
    }  # fmt: skip  # names read better in rows
    html = message.get_body(("html",)).get_content()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_any_text_makes_a_mail(name: str, description: str, reference: str):
    about = About(Money(100, "EUR"), reference, description, name)
    message, _ = mail(Kind.LINK, "it", about, Merchant(name, "it"))
    assert message["To"].addresses[0].addr_spec == "g@example.com"
    assert message["From"].addresses[0].addr_spec == "pay@incasso.example"


@pytest.mark.parametrize(("kind", "locale"), ALL)
def test_a_text_message_fits_160_characters_with_amount_and_link(kind: Kind, locale: str):
    url = URL if kind in LINK_KINDS else ""
    body = emails.text_message(kind, ABOUT, MERCHANT, locale=locale, url=url)
    assert gsm.septets(body) <= 160
    assert body.startswith("Ottica Rossi: ")
    assert {"it": "EUR 129,00", "en": "EUR 129.00"}[locale] in body
    assert url in body


@given(
    kind=st.sampled_from(SHOPPER_KINDS),
    locale=st.sampled_from(["it", "en", "it-CH", "de"]),
    merchant=st.text(max_size=120),
    description=st.text(max_size=300),
    reference=st.text(max_size=100),
    amount_minor=st.integers(1, 10**14),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
    path=st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_~", min_size=1, max_size=110),
)
def test_the_link_is_always_whole_within_160_characters(
    kind, locale, merchant, description, reference, amount_minor, currency, path
):
    url = f"https://pay.example/p/{path}" if kind in LINK_KINDS else ""
    about = About(Money(amount_minor, currency), reference, description)
    body = emails.text_message(kind, about, Merchant(merchant, "it"), locale=locale, url=url)
    assert url in body
    assert gsm.septets(body) <= max(160, gsm.septets(url))
    if not url or gsm.septets(url) < 100:
        assert f"{currency} " in body


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("Caffè “Perché”", 'Caffè "Perché"'),
        ("Łódź — €5 …", "Lodz - EUR5 ..."),
        ("a[b]{c}|~", "a(b)(c)--"),
        ("日本 Ωmega\n\tç", "Ωmega c"),
    ],
)
def test_characters_outside_gsm_are_transliterated(typed: str, written: str):
    assert gsm.transliterated(typed) == written
    assert gsm.septets(gsm.transliterated(typed)) == len(written)


@pytest.mark.parametrize("kind", sorted(LINK_KINDS))
@pytest.mark.parametrize("deposit", [None, money(12900)])
def test_a_message_about_a_partly_paid_link_asks_for_the_rest(kind: Kind, deposit):
    link = link_of(amount_due=money(2900), paid_minor=10000, deposit=deposit)
    about = rows.of_json(About, rows.to_json(about_link(link)))
    message, _ = mail(kind, "it", about)
    text = message.get_body(("plain",)).get_content()
    assert "Resta da pagare: 29,00\xa0€" in text
    assert "Già ricevuto con bonifico: 100,00\xa0€" in text
    assert "Totale: 129,00\xa0€" in text
    assert "129,00" not in message["Subject"]
    body = emails.text_message(kind, about, MERCHANT, locale="it", url=URL)
    assert "EUR 29,00" in body
    assert "129,00" not in body


@pytest.mark.parametrize(
    ("description", "reference", "expected"),
    [
        ("Γυαλιά ηλίου", "A-1", "paga EUR 1,00 rif. A-1 qui:"),
        ("Γυαλιά", "Παραγγελία", "paga EUR 1,00 qui:"),
        ("Γυαλιά", "", "paga EUR 1,00 qui:"),
        ("ΓΥΑΛΙΑ ΗΛΙΟΥ", "A-1", "paga EUR 1,00 rif. A-1 qui:"),
        ("Очки", "", "paga EUR 1,00 qui:"),
        ("眼鏡", "A-1", "paga EUR 1,00 rif. A-1 qui:"),
        ("🕶️ …", "", "paga EUR 1,00 qui:"),
        ("Occhiali 👓", "A-1", "paga EUR 1,00 per Occhiali qui:"),
        ("Čevlji", "", "paga EUR 1,00 per Cevlji qui:"),
        ("", "", "paga EUR 1,00 qui:"),
    ],
)
def test_a_text_message_omits_what_gsm_cannot_show(description, reference, expected):
    about = About(Money(100, "EUR"), reference, description)
    body = emails.text_message(Kind.LINK, about, MERCHANT, locale="it", url=URL)
    assert body == f"Ottica Rossi: {expected} {URL}"


def test_a_merchant_name_that_gsm_cannot_show_is_omitted():
    body = emails.text_message(Kind.LINK, ABOUT, Merchant("Οπτικά", "it"), locale="it", url=URL)
    assert body.startswith("paga EUR 129,00")


def test_emails_use_the_same_words_as_the_pay_pages():
    for page, words in ((texts_it.WORDS, emails.WORDS["it"]), (texts_en.WORDS, emails.WORDS["en"])):
        pairs = {
            "to_pay": words.kinds[Kind.LINK].amount_label,
            "reference": words.reference,
            "total": words.total,
            "deposit": words.deposit,
            "received": words.received,
            "still": words.still,
            "pay_by": words.expires,
            "date": words.date,
            "pending_title": words.kinds[Kind.PENDING].heading,
        }
        assert pairs == {name: page[name] for name in pairs}


def test_italian_mails_use_the_informal_tu():
    formal = re.compile(
        r"\b(lei|suo|sua|suoi|sue|potrà|deve|vuole|le chiede|la aspetta)\b", re.IGNORECASE
    )
    for text in emails.WORDS["it"].kinds.values():
        for line in (text.subject, text.preheader, text.heading, text.intro, text.sms, *text.notes):
            assert not formal.search(line), line


@pytest.mark.parametrize("kind", [Kind.LINK, Kind.RECEIPT])
def test_right_to_left_text_is_isolated(kind: Kind):
    about = replace(ABOUT, name="דוד לוי", description="משקפיים", items=(Item("עדשה", 2, 900),))
    message, _ = mail(kind, "it", about, Merchant("חנות", "it"))
    html = message.get_body(("html",)).get_content()
    plain = message.get_body(("plain",)).get_content()
    for body in (html, plain, message["Subject"]):
        for word in ("חנות", "דוד לוי", "משקפיים", "עדשה"):
            for found in re.finditer(word, body):
                alone = body[found.start() - 1] in "\u2068>" or found.start() == 0
                assert alone, body[max(0, found.start() - 40) : found.end() + 10]
    assert message["Subject"].startswith("\u2068")
