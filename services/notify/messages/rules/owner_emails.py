"""What owners of merchants are told by mail: about the merchant's own settings, not about money."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from libs import display
from services.notify.messages.rules.domain import About, Kind, Merchant
from services.notify.messages.rules.emails import NAME_LENGTH, Email, shown, subject_of

SHOWN_OF_IBAN: Final = 4  # characters at its begin and at its end


@dataclass(frozen=True, slots=True)
class NoticeWords:
    subject: str
    preheader: str
    heading: str
    intro: str
    moment: str  # label of the moment
    note: str


@dataclass(frozen=True, slots=True)
class OwnerLanguage:
    greeting: str
    account: str
    sent_by: str
    notices: Mapping[Kind, NoticeWords]


WORDS: Final[Mapping[str, OwnerLanguage]] = {
    "it": OwnerLanguage(
        greeting="Ciao,",
        account="Nuovo conto",
        sent_by="Ricevi questo messaggio perché sei il contatto di {merchant} su Incasso.",
        notices={
            Kind.BANK_ACCOUNT_CHANGE: NoticeWords(
                subject="{merchant}: è stato chiesto un nuovo conto per i bonifici",
                preheader="Puoi fermare il cambio prima che sia attivo.",
                heading="Un nuovo conto per i bonifici",
                intro="Con una chiave API di {merchant} è stato chiesto di far arrivare i bonifici "
                "sul conto indicato qui sotto. Fino ad allora vale quello attuale.",
                moment="Attivo dal",
                note="Non sei stato tu? Ferma il cambio con "
                "POST /v1/merchant/bank-account/cancel-change, revoca la chiave e avvisa chi "
                "gestisce Incasso per te.",
            ),
            Kind.BANK_ACCOUNT_CHANGED: NoticeWords(
                subject="{merchant}: nuovo conto per i bonifici attivo",
                preheader="I bonifici arrivano ora sul nuovo conto.",
                heading="Il nuovo conto è attivo",
                intro="I bonifici a favore di {merchant} arrivano ora sul conto indicato qui sotto.",
                moment="Attivo dal",
                note="Non sei stato tu? Avvisa subito chi gestisce Incasso per te.",
            ),
        },
    ),
    "en": OwnerLanguage(
        greeting="Hello,",
        account="New account",
        sent_by="You get this message because you are the contact of {merchant} at Incasso.",
        notices={
            Kind.BANK_ACCOUNT_CHANGE: NoticeWords(
                subject="{merchant}: another account for bank transfers was asked for",
                preheader="You can stop the change before it takes effect.",
                heading="Another account for bank transfers",
                intro="An API key of {merchant} was used to have bank transfers go to the account "
                "below. Until then the present one stays in force.",
                moment="In force from",
                note="Was it not you? Stop the change with "
                "POST /v1/merchant/bank-account/cancel-change, revoke the key and tell whoever "
                "runs Incasso for you.",
            ),
            Kind.BANK_ACCOUNT_CHANGED: NoticeWords(
                subject="{merchant}: another account for bank transfers is in force",
                preheader="Bank transfers now go to the new account.",
                heading="The new account is in force",
                intro="Bank transfers to {merchant} now go to the account below.",
                moment="In force from",
                note="Was it not you? Tell whoever runs Incasso for you at once.",
            ),
        },
    ),
}


def account_text(holder: str, iban: str) -> str:
    """Enough to know an account by, not enough to use it: `Bottega S.r.l., IT60…3456`."""
    return f"{holder}, {iban[:SHOWN_OF_IBAN]}…{iban[-SHOWN_OF_IBAN:]}"


def owner_email(kind: Kind, about: About, merchant: Merchant, *, locale: str) -> Email:
    """The words of an e-mail to the owner."""
    language = display.language_of(locale)
    said = WORDS[language]
    text = said.notices[kind]
    name = shown(merchant.name, NAME_LENGTH)
    rows = [(said.account, shown(about.account))]
    if about.happened_at:
        rows.append((text.moment, display.moment(about.happened_at, locale)))
    return Email(
        language=language,
        subject=subject_of(text.subject, {"merchant": name}),
        preheader=text.preheader,
        heading=text.heading,
        greeting=said.greeting,
        paragraphs=(text.intro.format(merchant=name),),
        amount="",
        amount_label="",
        rows=tuple(rows),
        items=(),
        button="",
        url="",
        plain_url_label="",
        notes=(text.note,),
        stop_label="",
        stop_url="",
        sent_by=said.sent_by.format(merchant=name),
    )
