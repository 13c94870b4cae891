"""A letter as an e-mail: HTML and plain text from the same words, with its headers."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from libs import colours
from services.notify.letters import NAME_LENGTH, Letter, one_line
from services.notify.merchants_client import Merchant

PAPER: Final = "#fdfdfe"  # not pure: clients that force dark mode invert pure white and black
TEMPLATES: Final = Path(__file__).parent / "templates"
_html = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
_text = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=False,  # noqa: S701 - plain text, not HTML
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sends to whom. `mail_from` is the address in the From header."""

    message_id: str
    mail_from: str
    to: str
    to_name: str
    at: datetime


def html_of(letter: Letter, merchant: Merchant, *, public_url: str) -> str:
    fill = colours.known(merchant.primary_colour)
    return _html.get_template("message.html").render(
        letter=letter,
        merchant=one_line(merchant.name, NAME_LENGTH),
        logo_url=f"{public_url}/logos/{merchant.logo_id}" if merchant.logo_id else "",
        website_url=merchant.website_url,
        fill=fill,
        edge=colours.readable(fill, PAPER, towards=colours.BLACK, ratio=colours.SHAPE_RATIO),
        on_fill=colours.ink_on(fill),
    )


def text_of(letter: Letter, merchant: Merchant) -> str:
    return _text.get_template("message.txt").render(letter=letter, merchant=merchant)


def email_of(
    letter: Letter, merchant: Merchant, envelope: Envelope, *, public_url: str
) -> EmailMessage:
    """No header can be made of what merchants or shoppers typed: values are single lines."""
    ascii_only = envelope.to.isascii()
    mail = EmailMessage(policy=SMTP if ascii_only else SMTPUTF8)
    sender_domain = envelope.mail_from.rpartition("@")[2]
    mail["Date"] = format_datetime(envelope.at)
    mail["Message-ID"] = f"<{envelope.message_id}@{sender_domain}>"
    mail["From"] = Address(one_line(merchant.name, NAME_LENGTH), addr_spec=envelope.mail_from)
    mail["To"] = _address(one_line(envelope.to_name, NAME_LENGTH), envelope.to)
    if merchant.reply_to:
        mail["Reply-To"] = _address(one_line(merchant.name, NAME_LENGTH), merchant.reply_to)
    mail["Subject"] = letter.subject
    mail["Auto-Submitted"] = "auto-generated"
    if letter.stop_url:
        mail["List-Unsubscribe"] = f"<{letter.stop_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(text_of(letter, merchant), cte="quoted-printable")
    mail.add_alternative(
        html_of(letter, merchant, public_url=public_url), subtype="html", cte="quoted-printable"
    )
    mail["Content-Language"] = letter.language  # setting the content removes it
    return mail


def _address(name: str, address: str) -> Address:
    user, _, domain = address.rpartition("@")
    return Address(name, username=user, domain=domain)
