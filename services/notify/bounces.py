"""Return addresses that prove themselves (VERP), and notifications that come back to them.

The envelope sender of message msg_… is `bounce+msg_…-<proof>@domain`; the proof is a MAC of the
message's id under a key derived from the seal keys. Notifications follow RFC 3464.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage, Message
from email.utils import getaddresses
from typing import Final

from services.notify.domain import Event, News, SuppressionReason
from services.notify.errors import NoticeMalformed, SignatureInvalid
from services.notify.smtp_replies import mailbox_is_gone, written

_LABEL: Final = b"incasso bounce address v1"
_PROOF_LENGTH: Final = 16
_LOCAL = re.compile(r"bounce\+(msg_[0-9a-z]{26})-([a-z2-7]{16})")
_RECEIVERS: Final = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To")


class ReturnAddresses:
    """`keys` are the seal's, newest first: the first one signs, all verify."""

    def __init__(self, domain: str, keys: Sequence[str]) -> None:
        self.domain = domain.lower()
        self._keys = [
            hmac.new(base64.urlsafe_b64decode(key), _LABEL, hashlib.sha256).digest() for key in keys
        ]

    def of(self, message_id: str) -> str:
        """Envelope sender of a message; "" when returned mail has no domain of its own."""
        if not self.domain:
            return ""
        return f"bounce+{message_id}-{_proof(self._keys[0], message_id)}@{self.domain}"

    def message_id_of(self, address: str) -> str | None:
        """The message whose return address this is; None when it is none of ours."""
        local, _, domain = address.strip().lower().rpartition("@")
        shape = _LOCAL.fullmatch(local)
        if not shape or not self.domain or domain != self.domain:
            return None
        right = [
            hmac.compare_digest(_proof(key, shape[1]).encode(), shape[2].encode())
            for key in self._keys
        ]
        return shape[1] if any(right) else None


def _proof(key: bytes, message_id: str) -> str:
    digest = hmac.new(key, message_id.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest).decode().lower()[:_PROOF_LENGTH]


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a notification says of a message; None: it is only delayed, or was delivered."""

    message_id: str
    news: News | None


def read(body: bytes, addresses: ReturnAddresses) -> Bounce:
    """Raises SignatureInvalid (none of our return addresses) and NoticeMalformed."""
    try:
        notice = message_from_bytes(body, policy=policy.compat32)
        fields = _recipient_fields(notice)
        message_id = _message_id(notice, addresses)
    except (MessageError, ValueError, LookupError, RecursionError, binascii.Error) as error:
        raise NoticeMalformed from error
    if message_id is None:
        raise SignatureInvalid
    if fields is None:
        raise NoticeMalformed
    return _bounce(message_id, fields)


def _message_id(notice: Message, addresses: ReturnAddresses) -> str | None:
    values = [str(value) for name in _RECEIVERS for value in notice.get_all(name, [])]
    found = (addresses.message_id_of(address) for _, address in getaddresses(values))
    return next((message_id for message_id in found if message_id), None)


def _recipient_fields(notice: Message) -> Message | None:
    """The fields of the recipient in the delivery status: the block after the message's own."""
    for part in notice.walk():
        if part.get_content_type() == "message/delivery-status":
            for block in _blocks(part):
                if block.get("Action"):
                    return block
    return None


def _blocks(part: Message) -> Iterator[Message]:
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (block for block in payload if isinstance(block, Message | EmailMessage))


def _bounce(message_id: str, fields: Message) -> Bounce:
    action = str(fields["Action"]).strip().lower()
    status = str(fields.get("Status", "")).strip()
    if action != "failed":
        return Bounce(message_id, None)
    error = written(f"{status} {fields.get('Diagnostic-Code', '')}")
    if not status.startswith("5"):  # given up after delays: the address may be good
        return Bounce(message_id, News(Event.FAIL, error))
    gone = mailbox_is_gone(status)
    suppression = SuppressionReason.BOUNCED if gone else None
    return Bounce(message_id, News(Event.BOUNCE, error, suppression))
