"""GET /return/{payment_id}: the shopper returns from a challenge.

Asks payments for the current state in the gateway's own name, then redirects the shopper to the
shop's page, or shows one of its own. The payment's id is the only proof, so that page shows nothing
but the state.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from aiohttp import web

from incasso.payments.v1 import payments_pb2
from libs import client, deadlines, display, ids, json_values, telemetry
from libs.errors import Kind, Refusal
from libs.web.client_addresses import Addresses
from libs.web.errors import TooManyRequests
from libs.web.headers import CSP_PAGE
from libs.web.limits import Limiter
from libs.web.templating import environment

PATH: Final = "/return/{payment_id}"
CHECKING: Final = "processing"

_templates = environment(Path(__file__).parent / "templates")
_PAID: Final = frozenset(["captured", "authorised", "partially_refunded", "refunded"])
_STATES = json_values.enum_names(payments_pb2.Payment.State.DESCRIPTOR)
TEXTS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "en": {
        "paid": ("Thank you, your payment went through", "You can go back to the shop."),
        "checking": (
            "We are checking your payment",
            "This page looks again by itself. You do not need to pay again.",
        ),
        "requires_action": (
            "Your bank still waits for you",
            "Go back to the shop and confirm the payment with your bank.",
        ),
        "declined": (
            "The payment was not accepted",
            "Nothing was charged. Go back to the shop to try again or to pay in another way.",
        ),
        "cancelled": ("The payment was cancelled", "Nothing was charged."),
        "missing": ("We do not know this payment", "Go back to the shop and open your order."),
    },
    "it": {
        "paid": ("Grazie, il pagamento è andato a buon fine", "Puoi tornare al negozio."),
        "checking": (
            "Stiamo verificando il pagamento",
            "Questa pagina si aggiorna da sola. Non devi pagare di nuovo.",
        ),
        "requires_action": (
            "La tua banca ti sta aspettando",
            "Torna al negozio e conferma il pagamento con la tua banca.",
        ),
        "declined": (
            "Il pagamento non è stato accettato",
            "Non ti è stato addebitato nulla. Torna al negozio per riprovare o cambiare metodo.",
        ),
        "cancelled": ("Il pagamento è stato annullato", "Non ti è stato addebitato nulla."),
        "missing": ("Non conosciamo questo pagamento", "Torna al negozio e apri il tuo ordine."),
    },
}


class ReturnPage:
    """`refresh` is payments' RefreshPayment."""

    def __init__(self, refresh: Any, failures: Limiter, addresses: Addresses) -> None:
        self._refresh = refresh
        self._failures = failures
        self._addresses = addresses

    async def arrive(self, request: web.Request) -> web.Response:
        payment_id = request.match_info["payment_id"]
        address, at = self._addresses.bucket(request), time.monotonic()
        if wait := self._failures.wait_seconds(address, at):
            return page(request, CHECKING, status=429, headers=TooManyRequests(wait).headers)
        if not ids.is_id(payment_id, "pay"):
            return self._missing(request, address, at)
        message = payments_pb2.RefreshPaymentRequest(payment_id=payment_id)
        try:
            answer: payments_pb2.RefreshPaymentResponse = await client.call(
                self._refresh, message, timeout_seconds=deadlines.QUESTION
            )
        except Refusal as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                return self._missing(request, address, at)
            return page(request, CHECKING)  # whatever failed, the shopper must not pay again
        state = _STATES.get(answer.payment.state, CHECKING)
        if not answer.return_url:
            return page(request, state)
        onwards = {
            "Location": with_outcome(answer.return_url, payment_id, state),
            "Cache-Control": "no-store",
        }
        return web.Response(status=303, headers=onwards)

    def _missing(self, request: web.Request, address: str, at: float) -> web.Response:
        self._failures.take(address, at)
        return page(request, "missing", status=404)


def with_outcome(return_url: str, payment_id: str, state: str) -> str:
    """The shop's URL with payment_id and state added as parameters."""
    parts = urlsplit(return_url)
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name not in ("payment_id", "state")
    ]
    query = urlencode([*kept, ("payment_id", payment_id), ("state", state)])
    return urlunsplit(parts._replace(query=query))


def page(
    request: web.Request,
    state: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> web.Response:
    """A single-message page in the shopper's language."""
    view = "paid" if state in _PAID else "checking" if state in ("processing", "pending") else state
    language = display.preferred(request.headers.get("Accept-Language", ""))
    title, text = TEXTS[language].get(view, TEXTS[language]["checking"])
    body = _templates.get_template("return.html").render(
        language=language,
        title=title,
        text=text,
        view=view,
        trace_id=telemetry.trace_id(),
    )
    kept = {"Content-Security-Policy": CSP_PAGE, "Cache-Control": "no-store", **headers}
    return web.Response(
        status=status, text=body, content_type="text/html", charset="utf-8", headers=kept
    )
