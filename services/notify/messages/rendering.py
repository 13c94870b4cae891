"""An e-mail: HTML and plain text from the same words, with its headers."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from libs import colours
from services.notify.messages.rules import mime
from services.notify.messages.rules.domain import Merchant
from services.notify.messages.rules.emails import NAME_LENGTH, Email, one_line

PAPER: Final = "#fdfdfe"  # not pure: clients that force dark mode invert pure white and black
TEMPLATES: Final = Path(__file__).parent / "templates"
_html = Environment(
    loader=FileSystemLoader(TEMPLATES),
    auto_reload=False,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
_text = Environment(
    loader=FileSystemLoader(TEMPLATES),
    auto_reload=False,
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


def html_of(email: Email, merchant: Merchant, *, public_url: str) -> str:
    fill = colours.known(merchant.primary_colour or "")
    return _html.get_template("message.html").render(
        email=email,
        merchant=one_line(merchant.name, NAME_LENGTH),
        logo_url=f"{public_url}/logos/{merchant.logo_id}" if merchant.logo_id else "",
        website_url=merchant.website_url,
        fill=fill,
        edge=colours.readable(fill, PAPER, towards=colours.BLACK, ratio=colours.SHAPE_RATIO),
        on_fill=colours.ink_on(fill),
    )


def text_of(email: Email, merchant: Merchant) -> str:
    return _text.get_template("message.txt").render(email=email, merchant=merchant)


def email_of(email: Email, merchant: Merchant, envelope: Envelope, *, public_url: str) -> bytes:
    """The mail as sent over the wire. Raises AddressRefusedError."""
    name = one_line(merchant.name, NAME_LENGTH)
    sender_domain = envelope.mail_from.rpartition("@")[2]
    head = [
        ("Date", format_datetime(envelope.at)),
        ("Message-ID", f"<{envelope.message_id}@{sender_domain}>"),
        ("From", mime.mailbox(name, envelope.mail_from)),
        ("To", mime.mailbox(one_line(envelope.to_name, NAME_LENGTH), envelope.to)),
        ("Subject", mime.phrase(email.subject)),
        ("Auto-Submitted", "auto-generated"),
        ("Content-Language", email.language),
    ]
    if merchant.reply_to:
        head.append(("Reply-To", mime.mailbox(name, merchant.reply_to)))
    if email.stop_url:
        head.append(("List-Unsubscribe", f"<{email.stop_url}>"))
        head.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    html = html_of(email, merchant, public_url=public_url)
    plain = text_of(email, merchant)
    return mime.message(head, plain=plain, html=html, attachments=email.attachments)
