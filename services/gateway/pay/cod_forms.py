"""The forms of the page of an order as requests to cod. Pure."""

from collections.abc import Callable
from typing import Final

from incasso.cod.v1 import pages_pb2
from services.gateway.pay.forms import Form, Sent, key_of

# What is said beside the field where the code is typed.
ABOUT_CODE: Final = ("code", "cod_code_wrong")


def confirm(token: str, form: Form) -> Sent:
    message = pages_pb2.ConfirmCodPageRequest(token=token, code=form.get("code", ""))
    return Sent(message, key_of(form))


def send_code(token: str, form: Form) -> Sent:
    return Sent(pages_pb2.SendCodPageCodeRequest(token=token), key_of(form))


def pay_online(token: str, _: Form) -> Sent:
    return Sent(pages_pb2.PayCodPageOnlineRequest(token=token))


ACTIONS: Final[dict[str, Callable[[str, Form], Sent]]] = {
    "confirm": confirm,
    "send-code": send_code,
    "pay-online": pay_online,
}
