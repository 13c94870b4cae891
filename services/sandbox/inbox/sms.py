"""The rules of the simulated SMS provider, after Twilio's API: what it accepts, how it answers.
Pure.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from services.sandbox.books.messages import Message
from services.sandbox.inbox import segments

API_VERSION = "2010-04-01"
WHATSAPP = "whatsapp:"
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
LONGEST_BODY = 1600
# Accepted, and later reported as undelivered: a magic number of the sandbox.
UNDELIVERED = "+15005550099"


@dataclass(frozen=True, slots=True)
class Refusal:
    """`code` is Twilio's; see https://www.twilio.com/docs/api/errors."""

    status: int
    code: int
    message: str

    def body(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


UNAUTHENTICATED = Refusal(401, 20003, "Authenticate")
UNKNOWN = Refusal(404, 20404, "The requested resource was not found")
# Twilio's test numbers.
REFUSED_RECIPIENTS = {
    "+15005550001": (21211, "Invalid 'To' Phone Number: {}"),
    "+15005550002": (21612, "Message cannot be sent with the current combination of 'To' ({})"),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for {}"),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient {}"),
    "+15005550009": (21614, "'To' number is not a valid mobile number: {}"),
}
REFUSED_SENDERS = {
    "+15005550001": (21212, "Invalid 'From' Phone Number: {}"),
    "+15005550007": (21606, "'From' {} is not a Twilio phone number"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """Phone numbers without prefix; `channel` says whether they had one."""

    channel: str
    sender: str
    recipient: str
    text: str
    callback: str | None


def refused(code: int, message: str) -> Refusal:
    return Refusal(400, code, message)


def parse(form: Mapping[str, str]) -> Order | Refusal:
    recipient, sender = form.get("To", ""), form.get("From", "")
    if not recipient:
        return refused(21604, "A 'To' phone number is required.")
    if not sender and not form.get("MessagingServiceSid"):
        return refused(21603, "A 'From' phone number is required.")
    number, origin = recipient.removeprefix(WHATSAPP), sender.removeprefix(WHATSAPP)
    if refusal := _refused_numbers(recipient, number, origin):
        return refusal
    whatsapp = recipient.startswith(WHATSAPP)
    if whatsapp != sender.startswith(WHATSAPP) and sender:
        return refused(21910, "'From' and 'To' must be of the same channel")
    text = form.get("Body", "")
    if not text:
        return refused(21602, "Message body is required.")
    if len(text) > LONGEST_BODY:
        return refused(21617, "The concatenated message body exceeds the 1600 character limit.")
    callback = form.get("StatusCallback") or None
    if callback is not None and not callback.startswith(("http://", "https://")):
        return refused(21609, f"The 'StatusCallback' URL {callback} is not a valid URL.")
    channel = "whatsapp" if whatsapp else "sms"
    return Order(channel, origin or form["MessagingServiceSid"], number, text, callback)


def _refused_numbers(recipient: str, number: str, origin: str) -> Refusal | None:
    if found := REFUSED_RECIPIENTS.get(number):
        return refused(found[0], found[1].format(recipient))
    if not E164.fullmatch(number):
        return refused(21211, f"Invalid 'To' Phone Number: {recipient}")
    if found := REFUSED_SENDERS.get(origin):
        return refused(found[0], found[1].format(origin))
    return None


def written(message: Message, number: str) -> str:
    return f"{WHATSAPP}{number}" if message.channel == "whatsapp" else number


def view(message: Message) -> dict[str, Any]:
    """A Message resource as returned by Twilio."""
    moment = format_datetime(datetime.fromtimestamp(message.received_at, UTC))
    uri = f"/{API_VERSION}/Accounts/{message.account_sid}/Messages/{message.id}"
    return {
        "account_sid": message.account_sid,
        "api_version": API_VERSION,
        "body": message.text,
        "date_created": moment,
        "date_sent": None if message.state == "queued" else moment,
        "date_updated": moment,
        "direction": "outbound-api",
        "error_code": message.error_code,
        "error_message": None,
        "from": written(message, message.sender),
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": str(segments.measure(message.text).segments),
        "price": None,
        "price_unit": "USD",
        "sid": message.id,
        "status": message.state,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": written(message, message.recipient),
        "uri": f"{uri}.json",
    }


def callback_form(message: Message, state: str, error_code: int | None) -> dict[str, str]:
    form = {
        "AccountSid": message.account_sid or "",
        "ApiVersion": API_VERSION,
        "From": written(message, message.sender),
        "MessageSid": message.id,
        "MessageStatus": state,
        "SmsSid": message.id,
        "SmsStatus": state,
        "To": written(message, message.recipient),
    }
    return form if error_code is None else form | {"ErrorCode": str(error_code)}


def signature(auth_token: str, url: str, form: Mapping[str, str]) -> str:
    """X-Twilio-Signature: HMAC-SHA1 over the URL and the sorted fields, in Base64."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    digest = hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
