"""Adds the parts of Stripe's documented API that the stripe connector uses and localstripe
lacks.

SetupIntents confirmed at once, challenges behind a URL, lists by time and customer, amounts
received and capturable, more test payment methods, idempotency keys. Nothing here may accept what
Stripe refuses: the connector's requests are checked against the SDK's own types elsewhere.
"""
# ruff: noqa: SLF001 - localstripe has no public access

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from localstripe import resources  # type: ignore[import-untyped]  # has no types
from localstripe.errors import UserError  # type: ignore[import-untyped]  # same
from localstripe.webhooks import schedule_webhook  # type: ignore[import-untyped]  # same

# Below the only path that needs no key.
CHALLENGE_PATH: Final = "/js.stripe.com/challenges/{id}"
METHODS_PATH: Final = "/js.stripe.com/payment_methods"
TEST_METHODS: Final = {
    "pm_card_mastercard": "5555555555554444",
    "pm_card_authenticationRequired": "4000002760003184",
    "pm_card_authenticationRequiredOnSetup": "4000002500003155",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
}
SCRIPT_PATH: Final = "/js.stripe.com/v3/"
# Appended to its fake Stripe.js, whose createPaymentMethod does nothing.
SCRIPT: Final = """
{
  const made = Stripe;
  Stripe = (key) => ({ ...made(key), createPaymentMethod: async ({ type, card }) => {
    const answer = await fetch(`${LOCALSTRIPE_BASE_API}/js.stripe.com/payment_methods`, {
      method: "POST", body: JSON.stringify({ type, card: card.value?.card ?? {} }),
    });
    const body = await answer.json();
    return answer.ok ? { paymentMethod: body } : { error: body.error };
  } });
}
"""
IGNORED: Final = ("automatic_payment_methods", "mandate")
REMEMBERED_KEYS: Final = 10_000
SETUP_FAILED: Final = {"code": "setup_intent_authentication_failure"}
PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>3-D Secure test page</title>
<main style="font:1rem system-ui;max-width:24rem;margin:4rem auto">
<h1>3-D Secure test page</h1><form method="post">
<button name="decision" value="approve">Approve</button>
<button name="decision" value="refuse">Refuse</button></form></main></html>"""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def fill(app: web.Application, base_url: str) -> None:
    """Must be called before the application starts. `base_url` is where browsers reach it."""
    _fill_payment_intents(base_url)
    _fill_setup_intents(base_url)
    _fill_charges()
    _fill_payment_methods()
    app.middlewares.insert(0, IdempotencyKeys().middleware)
    app.middlewares.append(complete_script)
    app.router.add_post(METHODS_PATH, create_payment_method)
    app.router.add_get(CHALLENGE_PATH, show_challenge)
    app.router.add_post(CHALLENGE_PATH, answer_challenge)


def _redirect(intent: Any, base_url: str, return_url: str | None) -> None:
    if intent.next_action and return_url:
        url = base_url + CHALLENGE_PATH.format(id=intent.id)
        intent.next_action = {
            "type": "redirect_to_url",
            "redirect_to_url": {"url": url, "return_url": return_url},
        }


def _fill_payment_intents(base_url: str) -> None:
    cls = resources.PaymentIntent
    create = cls._api_create.__func__

    def api_create(
        cls: Any, /, *, return_url: str | None = None, description: str | None = None, **data: Any
    ) -> Any:
        intent = create(cls, **{k: v for k, v in data.items() if k not in IGNORED})
        intent.description = description
        _redirect(intent, base_url, return_url)
        return intent

    def amount_received(intent: Any) -> int:
        charge = intent.latest_charge
        done = charge is not None and charge.captured and charge.status == "succeeded"
        return int(getattr(charge, "_captured_amount", charge.amount)) if done else 0

    def amount_capturable(intent: Any) -> int:
        return int(intent.amount) if intent.status == "requires_capture" else 0

    cls._api_create = classmethod(api_create)
    cls._api_list_all = classmethod(_list_intents)
    cls.amount_received = property(amount_received)
    cls.amount_capturable = property(amount_capturable)


def _list_intents(
    cls: Any,
    url: str,
    *,
    created: dict[str, str] | None = None,
    customer: str | None = None,
    limit: Any = None,
    starting_after: str | None = None,
) -> Any:
    """Newest first, as Stripe sorts."""
    listed = resources.List(url, limit=limit, starting_after=starting_after)
    least = int((created or {}).get("gte", 0))
    most = int((created or {}).get("lte", 2**62))
    listed._list = [
        stored
        for key, stored in reversed(resources.store.items())
        if key.startswith(f"{cls.object}:")
        and least <= stored.created <= most
        and customer in (None, stored.customer)
    ]
    return listed


def _fill_setup_intents(base_url: str) -> None:
    cls = resources.SetupIntent
    create = cls._api_create.__func__

    def api_create(
        cls: Any,
        /,
        *,
        confirm: Any = None,
        payment_method: str | None = None,
        return_url: str | None = None,
        **data: Any,
    ) -> Any:
        intent = create(cls, **{k: v for k, v in data.items() if k not in IGNORED})
        if resources.try_convert_to_bool(confirm) and payment_method:
            intent._attach_pm(resources.PaymentMethod._api_retrieve(payment_method))
            _redirect(intent, base_url, return_url)
            _attach_to_customer(intent)
        return intent

    cls._api_create = classmethod(api_create)


def _attach_to_customer(intent: Any) -> None:
    if intent.status == "succeeded" and intent.customer:
        method = resources.PaymentMethod._api_retrieve(intent.payment_method)
        method.customer = intent.customer


def _fill_charges() -> None:
    cls = resources.Charge
    capture = cls._capture

    def remember_capture(charge: Any, amount: Any, on_success: Any = None) -> None:
        # Set before the capture's webhook is created; a charge is captured at most once anyway.
        if not charge.captured:
            charge._captured_amount = resources.try_convert_to_int(amount or charge.amount)
        capture(charge, amount, on_success)

    def raise_failure(charge: Any) -> None:
        intent = charge.payment_intent and {"id": charge.payment_intent, "object": "payment_intent"}
        details = {
            "code": charge.failure_code,
            "decline_code": "generic_decline",
            "charge": charge.id,
            "payment_intent": intent,
        }
        raise UserError(402, charge.failure_message, details)

    cls._capture = remember_capture
    cls._raise_failure = raise_failure


def _fill_payment_methods() -> None:
    cls = resources.PaymentMethod
    known = cls._try_get_canonical_test_article.__func__

    def test_article(cls: Any, name: str, /) -> Any:
        number = TEST_METHODS.get(name)
        if number is None:
            return known(cls, name)
        card = {"number": number, "exp_month": "12", "exp_year": "2034", "cvc": "123"}
        return cls(type="card", card=card)

    cls._try_get_canonical_test_article = classmethod(test_article)


@web.middleware
async def complete_script(request: web.Request, handler: Handler) -> web.StreamResponse:
    answer = await handler(request)
    if request.path != SCRIPT_PATH or not isinstance(answer, web.Response):
        return answer
    return web.Response(text=(answer.text or "") + SCRIPT, content_type="text/javascript")


async def create_payment_method(request: web.Request) -> web.Response:
    """For browsers: Stripe accepts a publishable key here, localstripe only a secret one."""
    made = resources.PaymentMethod._api_create(**(await request.json()))
    return web.json_response(made._export())


async def show_challenge(request: web.Request) -> web.Response:
    _challenged(request)
    return web.Response(text=PAGE, content_type="text/html")


async def answer_challenge(request: web.Request) -> web.Response:
    intent = _challenged(request)
    back = intent.next_action["redirect_to_url"]["return_url"]
    approved = (await request.post()).get("decision") == "approve"
    if intent.object == "setup_intent":
        intent.next_action = None
        intent.status = "succeeded" if approved else "requires_payment_method"
        intent.last_setup_error = None if approved else SETUP_FAILED
        _attach_to_customer(intent)
    else:
        approved = _authenticate(intent, approved=approved)
    query = {
        intent.object: intent.id,
        "redirect_status": "succeeded" if approved else "failed",
    }
    raise web.HTTPSeeOther(f"{back}{'&' if '?' in back else '?'}{urlencode(query)}")


def _challenged(request: web.Request) -> Any:
    name = request.match_info["id"]
    cls = resources.SetupIntent if name.startswith("seti_") else resources.PaymentIntent
    intent = cls._api_retrieve(name)
    if not intent.next_action or "redirect_to_url" not in intent.next_action:
        raise UserError(404, "This challenge is over")
    return intent


def _authenticate(intent: Any, *, approved: bool) -> bool:
    try:
        intent._api_authenticate(intent.id, client_secret=intent.client_secret, success=approved)
    except UserError:
        return False  # authenticated, and declined all the same
    if not approved:
        schedule_webhook(resources.Event("payment_intent.payment_failed", intent))
    return approved


class IdempotencyKeys:
    """The same key gets the same answer for the lifetime of the process."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, tuple[bytes, web.Response | None]] = OrderedDict()

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def honour(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self.handle(request, handler)

        return honour

    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        key = request.headers.get("Idempotency-Key")
        if request.method != "POST" or not key:
            return await handler(request)
        asked = hashlib.sha256(request.path.encode() + b"\n" + await request.read()).digest()
        if key in self._answers:
            return self._repeat(key, asked)
        self._answers[key] = (asked, None)
        try:
            answer = await handler(request)
        except BaseException:
            del self._answers[key]
            raise
        assert isinstance(answer, web.Response)  # localstripe streams nothing
        self._answers[key] = (asked, answer)
        if len(self._answers) > REMEMBERED_KEYS:
            self._answers.popitem(last=False)
        return answer

    def _repeat(self, key: str, asked: bytes) -> web.Response:
        first, answer = self._answers[key]
        if first != asked:
            return _refusal(400, "Keys can only be used with the same parameters.")
        if answer is None:
            return _refusal(409, "Another request with this key is in progress.")
        return web.Response(
            body=answer.body,
            status=answer.status,
            content_type=answer.content_type,
            headers={"Idempotent-Replayed": "true"},
        )


def _refusal(status: int, message: str) -> web.Response:
    error = {"type": "idempotency_error", "message": message}
    return web.json_response({"error": error}, status=status)
