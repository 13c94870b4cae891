"""Return addresses that prove themselves (VERP), and notifications sent to them.

The envelope sender of message msg_… is `bounce+msg_…-<proof>@domain`; the proof is a MAC of the
message's id under a key derived from the seal keys. Notifications follow RFC 3464. Anyone can post
one, so the proof is checked first, and only the relevant fields are read, line by line. Nested
parts are not followed, so the cost depends on the size alone.
"""

import base64
import hmac
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from libs.proofs import Proofs
from services.notify.errors import NoticeMalformed, SignatureInvalid
from services.notify.messages.rules.domain import DeliveryReport, Event, SuppressionReason
from services.notify.messages.rules.smtp_replies import mailbox_is_gone, written

_LABEL: Final = "incasso bounce address v1"
_PROOF_LENGTH: Final = 16
_LOCAL = re.compile(r"bounce\+(msg_[0-9a-z]{26})-([a-z2-7]{16})")
_ADDRESS = re.compile(r"bounce\+msg_[0-9a-z]{26}-[a-z2-7]{16}@[a-z0-9.-]{1,253}", re.IGNORECASE)
_RECEIVERS: Final = frozenset(
    {"to", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to"}
)
_STATUS_PART = re.compile(r"(?im)^content-type:\s*message/(?:global-)?delivery-status\b")
_FOLD = re.compile(r"\n[ \t]+")
MAX_BYTES: Final = 256 * 1024  # read of a notification; the returned message follows
MAX_HEAD: Final = 32 * 1024
MAX_STATUS: Final = 16 * 1024
MAX_ADDRESSES: Final = 20  # that are checked for a proof


class ReturnAddresses:
    """`keys` are the seal keys, newest first: the first one signs, all verify."""

    def __init__(self, domain: str, keys: Sequence[str]) -> None:
        self.domain = domain.lower()
        self._proofs = Proofs(_LABEL, keys)

    def of(self, message_id: str) -> str:
        """Envelope sender of a message; "" if returned mail has no domain of its own."""
        if not self.domain:
            return ""
        return f"bounce+{message_id}-{_written(self._proofs.of(message_id))}@{self.domain}"

    def message_id_of(self, address: str) -> str | None:
        """The message of this return address; None if it is not one of ours."""
        local, _, domain = address.strip().lower().rpartition("@")
        shape = _LOCAL.fullmatch(local)
        if not shape or not self.domain or domain != self.domain:
            return None
        right = [
            hmac.compare_digest(_written(proof).encode(), shape[2].encode())
            for proof in self._proofs.all_of(shape[1])
        ]
        return shape[1] if any(right) else None


def _written(proof: bytes) -> str:
    return base64.b32encode(proof).decode().lower()[:_PROOF_LENGTH]


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a notification says about a message; None: it is only delayed, or was delivered."""

    message_id: str
    report: DeliveryReport | None


def read(body: bytes, addresses: ReturnAddresses) -> Bounce:
    """Raises SignatureInvalid (none of our return addresses) and NoticeMalformed."""
    text = body[:MAX_BYTES].decode("utf-8", "replace").replace("\r\n", "\n")
    head, _, content = text.partition("\n\n")
    message_id = _message_id(head[:MAX_HEAD], addresses)
    if message_id is None:
        raise SignatureInvalid
    fields = _recipient_fields(f"{head[:MAX_HEAD]}\n\n{content}")
    if fields is None:
        raise NoticeMalformed
    return _bounce(message_id, fields)


def _message_id(head: str, addresses: ReturnAddresses) -> str | None:
    """The message whose return address it was sent to."""
    lines = (line.partition(":") for line in _FOLD.sub(" ", head).split("\n"))
    named = (value for name, _, value in lines if name.lower() in _RECEIVERS)
    found = itertools.chain.from_iterable(_ADDRESS.findall(value) for value in named)
    tried = (addresses.message_id_of(one) for one in itertools.islice(found, MAX_ADDRESSES))
    return next((message_id for message_id in tried if message_id), None)


def _recipient_fields(text: str) -> Mapping[str, str] | None:
    """The recipient's fields in the delivery status: the block after the message's own."""
    part = _STATUS_PART.search(text)
    if part is None:
        return None
    rest = text[part.end() : part.end() + MAX_STATUS]
    status = rest.partition("\n\n")[2].partition("\n--")[0]  # without the part's own header
    blocks = (_fields(block) for block in status.split("\n\n"))
    return next((fields for fields in blocks if fields.get("action")), None)


def _fields(block: str) -> Mapping[str, str]:
    """By lower-case name."""
    lines = (line.partition(":") for line in _FOLD.sub(" ", block).split("\n"))
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _bounce(message_id: str, fields: Mapping[str, str]) -> Bounce:
    status = fields.get("status", "")
    if fields["action"].lower() != "failed":
        return Bounce(message_id, None)
    error = written(f"{status} {fields.get('diagnostic-code', '')}")
    if not status.startswith("5"):  # given up after delays: the address may be fine
        return Bounce(message_id, DeliveryReport(Event.FAIL, error))
    gone = mailbox_is_gone(status)
    suppression = SuppressionReason.BOUNCED if gone else None
    return Bounce(message_id, DeliveryReport(Event.BOUNCE, error, suppression))
