"""Twilio's Messages API over plain HTTP; its package verifies the signatures of its callbacks.

https://www.twilio.com/docs/messaging/api/message-resource
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import aiohttp
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # it has no types

from services.notify.config import Config
from services.notify.errors import NoticeMalformed, SignatureInvalid
from services.notify.messages.providers.base import Callback, ProviderUnreachableError, Text
from services.notify.messages.rules.domain import Channel, DeliveryReport, Event, SuppressionReason
from services.notify.messages.rules.outcomes import Accepted, Lost, Outcome, Postponed, Refused
from services.notify.messages.rules.senders import Sender, prefixes_of
from services.notify.messages.rules.smtp_replies import written

CALLBACK_PATH: Final = "/webhooks/sms/twilio"
TIMEOUT: Final = aiohttp.ClientTimeout(total=30, connect=10)
# The limit for a callback, which must be read before its signature can be verified.
MAX_CALLBACK_BYTES: Final = 16 * 1024
MAX_CALLBACK_FIELDS: Final = 100
NO_SENDER: Final = "the sender's name is not registered there, and no number is set up"
SKEW: Final = timedelta(minutes=2)  # between our clock and theirs
RECENT: Final = 50  # latest messages to a number, searched for a lost one

# Error codes caused by the number (https://www.twilio.com/docs/api/errors): not a number, not a
# mobile one, cannot be reached by SMS, no WhatsApp account, does not exist, landline.
_BAD_NUMBER: Final = frozenset({21211, 21217, 21265, 21614, 30005, 30006, 63003, 63024})
_UNREACHABLE_REGION: Final = frozenset({21214, 21408, 21612})  # not caused by the number
_STOPPED: Final = frozenset({21610, 63033})  # the owner answered STOP, or blocks us
_EVENTS: Final = {
    "sent": Event.ACCEPT,
    "delivered": Event.DELIVER,
    "read": Event.DELIVER,
    "undelivered": Event.FAIL,
    "failed": Event.FAIL,
}


@dataclass(frozen=True, slots=True)
class Account:
    sid: str
    auth_token: str
    senders: Mapping[Channel, Sender]
    api_base: str
    public_url: str


def make(config: Config, session: aiohttp.ClientSession) -> "Twilio":
    prefixes = prefixes_of(config.twilio_sender_name_prefixes)
    sms = Sender(config.twilio_from, config.twilio_sender_name, prefixes)
    senders = {Channel.SMS: sms, Channel.WHATSAPP: Sender(config.twilio_whatsapp_from)}
    account = Account(
        sid=config.twilio_account_sid,
        auth_token=config.twilio_auth_token,
        senders={channel: one for channel, one in senders.items() if one.number or one.name},
        api_base=config.twilio_api_base.rstrip("/"),
        public_url=config.public_url.rstrip("/"),
    )
    return Twilio(account, session)


class Twilio:
    def __init__(self, account: Account, session: aiohttp.ClientSession) -> None:
        self._account = account
        self._session = session
        self._url = f"{account.api_base}/2010-04-01/Accounts/{account.sid}/Messages.json"
        self._headers = {
            "Authorization": aiohttp.encode_basic_auth(account.sid, account.auth_token)
        }

    def serves(self, channel: Channel) -> bool:
        return channel in self._account.senders

    async def send(self, text: Text) -> Outcome:
        sender = self._account.senders[text.channel].to(text.to)
        if not sender:
            return Refused(NO_SENDER)
        form = {
            "To": addressed(text.channel, text.to),
            "From": addressed(text.channel, sender),
            "Body": text.body,
            "StatusCallback": self._account.public_url + CALLBACK_PATH,
        }
        try:
            async with self._session.post(
                self._url, data=form, headers=self._headers, timeout=TIMEOUT, allow_redirects=False
            ) as answer:
                return outcome_of(answer.status, await _json(answer), answer.headers)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Postponed(f"no connection: {type(error).__name__}")
        except (TimeoutError, aiohttp.ClientError) as error:
            return Lost(f"no answer: {type(error).__name__}")

    async def find(
        self, *, channel: Channel, to: str, body_sha256: str, since: datetime
    ) -> list[str]:
        # No DateSent filter: a message that Twilio has only queued has no date yet.
        query = {"To": addressed(channel, to), "PageSize": str(RECENT)}
        try:
            async with self._session.get(
                self._url,
                params=query,
                headers=self._headers,
                timeout=TIMEOUT,
                allow_redirects=False,
            ) as answer:
                answer.raise_for_status()
                listed = (await answer.json())["messages"]
        except (TimeoutError, aiohttp.ClientError, ValueError, KeyError) as error:
            raise ProviderUnreachableError(type(error).__name__) from error
        return [
            one["sid"]
            for one in sorted(listed, key=_made_at)
            if _made_at(one) >= since - SKEW
            and hashlib.sha256(one["body"].encode()).hexdigest() == body_sha256
        ]

    def read_callback(self, *, url: str, headers: Mapping[str, str], body: bytes) -> Callback:
        if len(body) > MAX_CALLBACK_BYTES:
            raise NoticeMalformed
        try:
            form = dict(
                parse_qsl(
                    body.decode(),
                    keep_blank_values=True,
                    strict_parsing=True,
                    max_num_fields=MAX_CALLBACK_FIELDS,
                )
            )
        except ValueError as error:
            raise NoticeMalformed from error
        validator = RequestValidator(self._account.auth_token)
        if not validator.validate(url, form, headers.get("x-twilio-signature", "")):
            raise SignatureInvalid
        return callback_of(form)


def addressed(channel: Channel, number: str) -> str:
    """WhatsApp numbers carry a prefix at Twilio."""
    prefix = "whatsapp:"
    if channel is Channel.WHATSAPP and not number.startswith(prefix):
        return prefix + number
    return number


def outcome_of(status: int, body: Mapping[str, Any], headers: Mapping[str, str]) -> Outcome:
    """The meaning of an answer to sending."""
    if status in (200, 201) and body.get("sid"):
        return Accepted(str(body["sid"]))
    code = _number(body.get("code"))
    error = written(f"{status} {code or ''} {body.get('message', '')}")
    if status in (429, 503):
        return Postponed(error, _seconds(headers.get("Retry-After")))
    if not 400 <= status < 500:  # noqa: PLR2004 - a 5xx or a malformed answer proves nothing
        return Lost(error)
    return _refused(code, error)


def callback_of(form: Mapping[str, str]) -> Callback:
    """The meaning of a status callback."""
    reference = form.get("MessageSid") or form.get("SmsSid") or ""
    status = form.get("MessageStatus") or form.get("SmsStatus") or ""
    if not reference or not status:
        raise NoticeMalformed
    event = _EVENTS.get(status)
    if event is None:
        return Callback(reference, None)
    if event is not Event.FAIL:
        return Callback(reference, DeliveryReport(event))
    code = _number(form.get("ErrorCode"))
    refused = _refused(code, f"{status} {code or ''}".strip())
    event = Event.BOUNCE if refused.bounced else Event.FAIL
    return Callback(reference, DeliveryReport(event, refused.error, refused.suppression))


def _refused(code: int, error: str) -> Refused:
    if code in _STOPPED:
        return Refused(error, bounced=True, suppression=SuppressionReason.COMPLAINED)
    if code in _BAD_NUMBER:
        return Refused(error, bounced=True, suppression=SuppressionReason.BOUNCED)
    return Refused(error, bounced=code in _UNREACHABLE_REGION)


async def _json(answer: aiohttp.ClientResponse) -> Mapping[str, Any]:
    """The body if it is a JSON object, otherwise nothing."""
    try:
        body = await answer.json(content_type=None)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _number(text: object) -> int:
    return int(str(text)) if str(text).isdecimal() else 0


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None


def _made_at(listed: Mapping[str, Any]) -> datetime:
    made: datetime = parsedate_to_datetime(listed["date_created"])
    return made.astimezone(UTC)
