"""The words of a message, from which e-mail (HTML and text) and text messages are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from libs import display, sellers
from libs.money import Money
from libs.text import isolated
from services.notify.messages.rules import gsm, mime
from services.notify.messages.rules.attachments import Attachment
from services.notify.messages.rules.domain import (
    LINK_KINDS,
    NOTICES,
    OWNER_KINDS,
    REPORT_KINDS,
    STOPPABLE,
    TEAM_KINDS,
    About,
    Kind,
    Merchant,
)
from services.notify.messages.rules.texts import WORDS, Language

ITEMS: Final = 8  # any further lines are counted, not listed
NAME_LENGTH: Final = 60
TEXT_LENGTH: Final = 200
SELLER_LENGTH: Final = 420  # the longest that merchants accepts
SHOWN_OF_IBAN: Final = 4  # characters at its start and end
TIMES: Final = "\N{MULTIPLICATION SIGN}"
STOP_PATH: Final = "/stop-reminders"


@dataclass(frozen=True, slots=True)
class Email:
    """An e-mail's words, in the reader's language. `url` is empty if there is nothing to do."""

    language: str
    subject: str
    preheader: str
    heading: str
    greeting: str
    paragraphs: tuple[str, ...]
    amount: str
    amount_label: str
    rows: tuple[tuple[str, str], ...]  # label, value
    items: tuple[tuple[str, str], ...]  # what, how much
    button: str
    url: str
    plain_url_label: str
    notes: tuple[str, ...]
    stop_label: str
    stop_url: str
    sent_by: str
    seller: str  # details required by law
    attachments: Sequence[Attachment] = ()


def one_line(text: str, length: int = TEXT_LENGTH) -> str:
    """Typed text as one line without control characters and encoded words; shortened."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(mime.without_words(printable).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def shown(text: str, length: int = TEXT_LENGTH) -> str:
    """Typed text inside our own words, isolated: an Arabic name does not change their direction."""
    return isolated(one_line(text, length))


def subject_of(pattern: str, values: Mapping[str, str]) -> str:
    """A header's text: without the non-breaking spaces of amounts."""
    return pattern.format(**values).replace("\u00a0", " ").replace("\u202f", " ")


def account_text(holder: str, iban: str) -> str:
    """Enough to recognise an account, not enough to use it: `Bottega S.r.l., IT60…3456`."""
    return f"{holder}, {iban[:SHOWN_OF_IBAN]}…{iban[-SHOWN_OF_IBAN:]}"


def compose(
    kind: Kind,
    about: About,
    merchant: Merchant,
    *,
    locale: str,
    url: str = "",
    attachments: Sequence[Attachment] = (),
) -> Email:
    """The words of an e-mail. `url`: the link's URL, for kinds that contain one."""
    language = display.language_of(locale)
    words = WORDS[language]
    text = words.kinds[kind]
    values = {
        "merchant": shown(merchant.name, NAME_LENGTH),
        "amount": display.amount(about.amount, locale),
        "reference": shown(about.order_reference),
        "description": shown(about.description),
        "plan": shown(about.plan),
        "code": about.code,
        "due": display.day(about.due_on, locale) if about.due_on else "",
    }
    name = shown(about.name, NAME_LENGTH)
    notes = words.safe if kind in LINK_KINDS else text.notes
    stop_url = url + STOP_PATH if url and kind in STOPPABLE else ""
    paragraphs = [text.intro.format(**values), *about.paragraphs]
    if about.has_quote and kind in LINK_KINDS:
        paragraphs.append(words.quote)
    if attachments:
        names = ", ".join(attachment.name for attachment in attachments)
        attached = words.enclosed if kind in REPORT_KINDS else words.attached
        paragraphs.append(attached.format(names=names))
    elif kind is Kind.REPORT_DONE:
        paragraphs.append(words.not_enclosed.format(run=about.report_run_id))
    return Email(
        language=language,
        subject=subject_of(text.subject, values),
        preheader=text.preheader.format(**values),
        heading=text.heading.format(**values),
        greeting=words.greeting.format(name=name) if name else words.greeting_nobody,
        paragraphs=tuple(paragraphs),
        amount=values["amount"] if about.amount.amount_minor else "",
        amount_label=_amount_label(kind, about, words),
        rows=tuple(_rows(kind, about, words, locale)),
        items=tuple(_items(about, words, locale)) if kind in LINK_KINDS else (),
        button=text.button if url else "",
        url=url,
        plain_url_label=words.plain_url,
        notes=tuple(note.format(**values) for note in notes),
        stop_label=words.stop if stop_url else "",
        stop_url=stop_url,
        sent_by=_sent_by(kind, merchant, words).format(**values),
        seller=_seller(kind, merchant, words),
        attachments=attachments,
    )


def _sent_by(kind: Kind, merchant: Merchant, words: Language) -> str:
    if kind in OWNER_KINDS:
        return words.sent_to_owner
    if kind in REPORT_KINDS:
        return words.sent_by_schedule
    if kind in TEAM_KINDS:
        return words.sent_to_invited
    return words.sent_by_reply if merchant.reply_to else words.sent_by


def _seller(kind: Kind, merchant: Merchant, words: Language) -> str:
    """The seller's details that the law requires for shoppers; "" for the merchant's staff."""
    if merchant.seller is None or kind in OWNER_KINDS | REPORT_KINDS | TEAM_KINDS:
        return ""
    return shown(sellers.line(merchant.seller, words.vat_number), SELLER_LENGTH)


def _amount_label(kind: Kind, about: About, words: Language) -> str:
    if kind not in LINK_KINDS:
        return words.kinds[kind].amount_label
    if about.received:
        return words.still
    return words.deposit if about.is_deposit else words.kinds[kind].amount_label


def _rows(kind: Kind, about: About, words: Language, locale: str) -> list[tuple[str, str]]:
    """Empty values are left out."""
    rows = [
        (words.account, shown(about.account)),
        (words.description, shown(about.description)),
        (words.reference, shown(about.order_reference)),
    ]
    if kind in LINK_KINDS:
        rows += [
            (words.total, display.amount(about.total, locale) if about.total else ""),
            (words.received, display.amount(about.received, locale) if about.received else ""),
            (words.expires, display.moment(about.expires_at, locale) if about.expires_at else ""),
        ]
    elif about.due_on:
        rows.append((words.due, display.day(about.due_on, locale)))
    if about.happened_at and kind not in LINK_KINDS:
        label = words.in_force if kind in OWNER_KINDS else words.date
        rows.append((label, display.moment(about.happened_at, locale)))
    return [(label, text) for label, text in rows if text]


def _items(about: About, words: Language, locale: str) -> list[tuple[str, str]]:
    listed = [
        (
            f"{item.quantity} {TIMES} {shown(item.name)}"
            if item.quantity > 1
            else shown(item.name),
            display.amount(Money(item.amount_minor, about.amount.currency), locale),
        )
        for item in about.items[:ITEMS]
    ]
    if rest := about.items[ITEMS:]:
        sum_minor = sum(item.amount_minor for item in rest)
        left = Money(sum_minor, about.amount.currency)
        listed.append((words.more_items.format(count=len(rest)), display.amount(left, locale)))
    return listed


def text_message(
    kind: Kind, about: About, merchant: Merchant, *, locale: str, url: str = ""
) -> str:
    """One SMS in GSM-7, at most 160 characters, with the URL whole. Two parts for a notice, or if
    it states the price of credit: with the warning, and where to find the example.
    """
    language = display.language_of(locale)
    words = WORDS[language]
    long = kind in NOTICES or about.warning
    return gsm.fitted(
        words.kinds[kind].sms,
        merchant=merchant.name,
        detail=_detail(about, words),
        url=url,
        law=words.sms_law.format(warning=about.warning.rstrip(".")) if about.warning else "",
        limit=gsm.TWO_PARTS if long else gsm.ONE_PART,
        amount=_plain_amount(about.amount, language),
        code=about.code,
        plan=about.plan.replace("€", " € "),  # its currency sign becomes a word
        due=display.short_day(about.due_on, locale) if about.due_on else "",
        at=display.moment(about.happened_at, locale) if about.happened_at else "",
    )


def _detail(about: About, words: Language) -> str:
    """What it is for, if GSM-7 can spell it; otherwise the order's reference."""
    if what := gsm.readable(about.description):
        return words.sms_for.format(what=what)
    if what := gsm.readable(about.order_reference):
        return words.sms_reference.format(what=what)
    return ""


def _plain_amount(amount: Money, language: str) -> str:
    """`EUR 129,00`: the euro sign would count twice."""
    text = display.amount(amount, language)
    digits = "".join(c for c in text if c.isdigit() or c in ".,-\u00a0\u202f'")
    return f"{amount.currency} {digits.strip()}"
