"""The pay page's forms as requests to paylink. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import Message

from incasso.paylink.v1 import pages_pb2
from libs.text import without_controls
from libs.web.forms import whole_number

MAX_KEY: Final = 200
MAX_USER_AGENT: Final = 500

Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Device:
    """Where a form was sent from."""

    ip: str | None
    user_agent: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A request and its idempotency key."""

    message: Message
    key: str = ""


def accept_quote(token: str, form: Form, device: Device) -> Sent:
    message = pages_pb2.AcceptQuoteRequest(
        token=token,
        text_sha256=form.get("text_sha256", ""),
        ip=device.ip or "",
        user_agent=without_controls(device.user_agent.encode("utf-8", "replace").decode())[
            :MAX_USER_AGENT
        ],
    )
    return Sent(message)


def pay(token: str, form: Form, device: Device) -> Sent:
    """Pays with a saved card, or with the token from the PSP's field."""
    message = pages_pb2.PayByCardRequest(token=token, offer=form.get("offer", ""), ip=device.ip)
    if form.get("instrument_id"):
        message.instrument_id = form["instrument_id"]
    else:
        message.card_token = form.get("card_token", "")
        message.brand = form.get("brand", "")
        message.last4 = form.get("last4", "")
    if form.get("payer_email"):
        message.payer_email = form["payer_email"]
    return Sent(message, key_of(form))


def choose_plan(token: str, form: Form, _: Device) -> Sent:
    terms_id, offer = form.get("terms_id", ""), form.get("offer", "")
    message = pages_pb2.ChoosePlanRequest(token=token, terms_id=terms_id, offer=offer)
    if "email" in form:
        message.email = form["email"]
    if "name" in form:
        message.name = form["name"]
    return Sent(message, key_of(form))


def announce_transfer(token: str, _form: Form, _: Device) -> Sent:
    return Sent(pages_pb2.AnnounceBankTransferRequest(token=token))


def withdraw_transfer(token: str, _form: Form, _: Device) -> Sent:
    return Sent(pages_pb2.WithdrawBankTransferRequest(token=token))


def give_up(token: str, form: Form, _: Device) -> Sent:
    return Sent(pages_pb2.GiveUpPaymentRequest(token=token, use=form.get("use", "")))


def rate(token: str, form: Form, _: Device) -> Sent:
    score = whole_number(form.get("score", ""))
    message = pages_pb2.RateSatisfactionRequest(
        token=token,
        use=form.get("use", ""),
        score=min(score, 6),  # 6 is refused like any higher score
    )
    return Sent(message)


def stop_reminders(token: str, _form: Form, _: Device) -> Sent:
    return Sent(pages_pb2.StopRemindersRequest(token=token))


def request_new_link(token: str, _form: Form, _: Device) -> Sent:
    return Sent(pages_pb2.RequestNewLinkRequest(token=token))


def mark_seen(token: str, _form: Form, _: Device) -> Sent:
    return Sent(pages_pb2.MarkSeenRequest(token=token))


def key_of(form: Form) -> str:
    """The page's form key: submitting a form twice is one attempt. paylink refuses ""."""
    key = form.get("form_key", "")
    return key if key.isascii() and key.isprintable() and len(key) <= MAX_KEY else ""


ACTIONS: Final[dict[str, Callable[[str, Form, Device], Sent]]] = {
    "accept-quote": accept_quote,
    "pay": pay,
    "choose-plan": choose_plan,
    "announce-transfer": announce_transfer,
    "withdraw-transfer": withdraw_transfer,
    "give-up": give_up,
    "rate": rate,
    "stop-reminders": stop_reminders,
    "new-link": request_new_link,
    "seen": mark_seen,
}
