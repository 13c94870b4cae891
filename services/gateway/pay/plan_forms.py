"""The forms of a plan's page as requests to instalments. Pure."""

from collections.abc import Callable
from typing import Any, Final

from incasso.instalments.v1 import pages_pb2
from libs.web.forms import whole_number
from services.gateway.pay.forms import Form, Sent, key_of

ALL: Final = "all"  # all parts
_NO_PART: Final = 1000  # refused like any part that does not exist


def sign(token: str, form: Form, ip: str | None) -> Sent | None:
    """None if the consent box is not ticked."""
    if form.get("consent") != "yes":
        return None
    message = pages_pb2.SignPlanPageRequest(
        token=token,
        instrument_id=form.get("instrument_id", ""),
        agreement_sha256=form.get("agreement_sha256", ""),
        ip=ip,
    )
    return Sent(message, key_of(form))


def pay_by_partner(token: str, form: Form, _: str | None) -> Sent:
    message = pages_pb2.PayPlanPageByPartnerRequest(token=token)
    if "email" in form:
        message.email = form["email"]
    return Sent(message, key_of(form))


def pay(token: str, form: Form, _: str | None) -> Sent:
    """`part`: the part and its amount as shown: `2:4080`, `all:12240`."""
    part, _, amount = form.get("part", "").partition(":")
    message = pages_pb2.PayPlanPageRequest(token=token, amount_minor=whole_number(amount))
    if part != ALL:
        message.number = min(whole_number(part), _NO_PART)
    if form.get("instrument_id"):
        message.instrument_id = form["instrument_id"]
    return Sent(message, key_of(form))


def replace_card(token: str, form: Form, _: str | None) -> Sent:
    card = form.get("instrument_id", "")
    return Sent(pages_pb2.ReplacePlanPageCardRequest(token=token, instrument_id=card))


def new_card(token: str, form: Form, ip: str | None) -> Sent:
    """A card for one payment if the form names one, otherwise for all future ones."""
    return pay(token, form, ip) if form.get("part") else replace_card(token, form, ip)


def saving(token: str, sent: Sent, form: Form, ip: str | None) -> Sent | None:
    """Saves the card that was entered, before the form continues with it; None if there is none."""
    if not form.get("card_token") or "instrument_id" not in sent.message.DESCRIPTOR.fields_by_name:
        return None
    message = pages_pb2.SavePlanPageCardRequest(
        token=token, psp_account=form.get("psp_account", ""), card_token=form["card_token"], ip=ip
    )
    return Sent(message, key_of(form))


def with_card(sent: Sent, instrument_id: str) -> Sent:
    """The same request, with the card saved for it."""
    message: Any = sent.message
    message.instrument_id = instrument_id
    return Sent(message, sent.key)


def withdraw(token: str, form: Form, _: str | None) -> Sent:
    message = pages_pb2.WithdrawPlanPageRequest(
        token=token,
        name=form.get("name", ""),
        sent_to=form.get("sent_to", ""),
        confirm=confirms(form),
    )
    return Sent(message)


def confirms(form: Form) -> bool:
    return form.get("confirm") == "yes"


ACTIONS: Final[dict[str, Callable[[str, Form, str | None], Sent | None]]] = {
    "sign": sign,
    "partner": pay_by_partner,
    "pay": pay,
    "card": replace_card,
    "new-card": new_card,
    "withdraw": withdraw,
}
