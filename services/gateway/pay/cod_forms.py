"""The forms of an order's page as requests to cod. Pure."""

from collections.abc import Callable, Sequence
from typing import Final

from incasso.cod.v1 import pages_pb2
from libs.errors import Refusal
from services.gateway.pay.forms import Form, Sent, key_of

# Messages shown beside the field for the code.
ABOUT_CODE: Final = ("code", "cod_code_wrong")

_OF_ACCOUNT: Final = ("holder", "iban")


def confirm(token: str, form: Form) -> Sent:
    message = pages_pb2.ConfirmCodPageRequest(token=token, code=form.get("code", ""))
    return Sent(message, key_of(form))


def send_code(token: str, form: Form) -> Sent:
    return Sent(pages_pb2.SendCodPageCodeRequest(token=token), key_of(form))


def pay_online(token: str, _: Form) -> Sent:
    return Sent(pages_pb2.PayCodPageOnlineRequest(token=token))


def pay_deposit(token: str, _: Form) -> Sent:
    return Sent(pages_pb2.PayCodPageDepositRequest(token=token))


def refund_account(token: str, form: Form) -> Sent:
    message = pages_pb2.SetCodPageRefundAccountRequest(
        token=token, holder=form.get("holder", ""), iban=form.get("iban", "")
    )
    return Sent(message)


ACTIONS: Final[dict[str, Callable[[str, Form], Sent]]] = {
    "confirm": confirm,
    "send-code": send_code,
    "pay-online": pay_online,
    "pay-deposit": pay_deposit,
    "refund-account": refund_account,
}


def wrong_in_account(refusal: Refusal) -> Sequence[str]:
    """Invalid fields of the account, in the order of the page."""
    wrong = {violation.field for violation in refusal.violations}
    return [field for field in _OF_ACCOUNT if field in wrong]
