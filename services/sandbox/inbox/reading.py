"""A raw e-mail as its reader sees it: subject, text, HTML, links, headers. Pure.

Malformed mail is shown as well as possible, never refused.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage
from html.parser import HTMLParser

WEB_ADDRESS = re.compile(r"https?://[^\s<>\"']+")
CONTENT_ID = re.compile(r"cid:([^\"'\s)>]+)", re.IGNORECASE)
# Exceptions of the standard library for malformed headers, unknown charsets and broken bodies.
BROKEN = (MessageError, LookupError, ValueError, AttributeError, TypeError)
OPEN_ELSEWHERE = '<base target="_blank">'


@dataclass(frozen=True, slots=True)
class Mail:
    """`author` is its From header; the envelope may name another sender."""

    author: str
    subject: str
    text: str
    html: str
    headers: list[tuple[str, str]]
    # Attachments: name, type, size in bytes.
    attachments: list[tuple[str, str, int]]

    @property
    def links(self) -> list[str]:
        return links_of_html(self.html) if self.html else links_of_text(self.text)


def parse(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def read(raw: bytes) -> Mail:
    message = parse(raw)
    html = _body(message, "html")
    return Mail(
        author=header(message, "From"),
        subject=header(message, "Subject"),
        text=_body(message, "plain"),
        html=_with_pictures(message, html),
        headers=[(name, _single_line(value)) for name, value in _headers(message)],
        attachments=list(_attachments(message)),
    )


def header(message: EmailMessage, name: str) -> str:
    try:
        return _single_line(str(message.get(name, "")))
    except BROKEN:
        return ""


def _single_line(value: str) -> str:
    return " ".join(value.split())


def _headers(message: EmailMessage) -> Iterator[tuple[str, str]]:
    """One broken header hides none of the others."""
    for name in message.keys():  # noqa: SIM118  # a header may occur twice, and .items() may raise
        yield name, header(message, name)


def _body(message: EmailMessage, subtype: str) -> str:
    try:
        part = message.get_body(preferencelist=(subtype,))
        return str(part.get_content()) if part is not None else ""
    except BROKEN:
        return ""


def _attachments(message: EmailMessage) -> Iterator[tuple[str, str, int]]:
    try:
        for part in message.iter_attachments():
            content = part.get_payload(decode=True)
            size = len(content) if isinstance(content, bytes) else 0
            yield part.get_filename() or "?", part.get_content_type(), size
    except BROKEN:
        return


def _with_pictures(message: EmailMessage, html: str) -> str:
    """Inline images are shown without another request."""
    if "cid:" not in html.lower():
        return html
    pictures = {}
    for part in message.walk():
        identifier = str(part.get("Content-ID", "")).strip().strip("<>")
        content = part.get_payload(decode=True)
        if identifier and part.get_content_maintype() == "image" and isinstance(content, bytes):
            data = base64.b64encode(content).decode()
            pictures[identifier] = f"data:{part.get_content_type()};base64,{data}"
    return CONTENT_ID.sub(lambda found: pictures.get(found[1], found[0]), html)


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("href")
        if tag == "a" and address and WEB_ADDRESS.match(address):
            self.found.append(address)


def links_of_html(html: str) -> list[str]:
    """In page order, each once."""
    anchors = _Anchors()
    anchors.feed(html)
    return list(dict.fromkeys(anchors.found))


def links_of_text(text: str) -> list[str]:
    found = (address.rstrip(".,;:!?)]") for address in WEB_ADDRESS.findall(text))
    return list(dict.fromkeys(found))


def opening_elsewhere(html: str) -> str:
    """The same document, with links that open in a new tab."""
    head = re.search(r"<head[^>]*>", html, re.IGNORECASE)
    at = head.end() if head else 0
    doctype = None if head else re.match(r"\s*<!doctype[^>]*>", html, re.IGNORECASE)
    at = doctype.end() if doctype else at
    return html[:at] + OPEN_ELSEWHERE + html[at:]
