"""`incasso smoke`: a payment through a whole installation whose PSP is the sandbox."""

import asyncio
from typing import Annotated

import aiohttp
import typer

from cli import output
from cli.calls import MERCHANTS, PAYMENTS, ask
from cli.output import AsJson
from incasso.merchants.v1 import merchants_pb2
from incasso.payments.v1 import payments_pb2
from stack.journey_report import expect
from stack.shop import JourneyFailedError, Shop

AMOUNT_MINOR = 5990
PSP_ACCOUNT = "sandbox-a"


def smoke(
    *,
    url: Annotated[str, typer.Option(envvar="INCASSO_URL", help="URL of the gateway.")],
    sandbox_url: Annotated[
        str, typer.Option(envvar="INCASSO_SANDBOX_URL", help="URL of the sandbox.")
    ],
    credentials: Annotated[
        str, typer.Option(help="Name of payments' credentials file for the sandbox.")
    ] = PSP_ACCOUNT,
    as_json: AsJson = False,
) -> None:
    """Create a test merchant, pay by one click and refund half; compare with the PSP's own books."""
    merchant_id, secret_key = merchant_of_its_own(credentials)
    try:
        paid = asyncio.run(_pay(url.rstrip("/"), sandbox_url.rstrip("/"), secret_key))
    except (JourneyFailedError, aiohttp.ClientError, TimeoutError) as error:
        output.fail(
            f"The payment failed: {str(error) or type(error).__name__}",
            next_step="Check every replica with `incasso health`.",
        )
    found = {"merchant": merchant_id, **paid}
    if as_json:
        output.print_json(found)
    else:
        output.print_record("Paid, and half refunded", found)


def merchant_of_its_own(credentials: str) -> tuple[str, str]:
    """The id of a new test merchant with an account at the sandbox, and its secret key."""
    request = merchants_pb2.CreateMerchantRequest(
        name="Smoke test", country="IT", default_currency="EUR", locale="it", test=True
    )
    made = ask(MERCHANTS, request)
    account = payments_pb2.CreatePspAccountRequest(
        name=PSP_ACCOUNT, psp="sandbox", credentials=credentials
    )
    ask(PAYMENTS, account, merchant_id=made.merchant.id)
    keys = {key.kind: key.secret for key in made.api_keys}
    return made.merchant.id, keys[merchants_pb2.ApiKey.KIND_SECRET]


async def _pay(url: str, sandbox_url: str, secret_key: str) -> dict[str, str]:
    async with aiohttp.ClientSession() as http:
        shop = Shop(http, url, secret_key, sandbox_url, localstripe_url="")
        customer = await shop.customer("tok_visa", PSP_ACCOUNT)
        answer = await shop.one_click(customer, AMOUNT_MINOR)
        payment = answer.expect(201)
        expect(payment, state="captured", captured_minor=AMOUNT_MINOR)
        half = {"amount": {"amount_minor": AMOUNT_MINOR // 2, "currency": "EUR"}}
        back = await shop.call("POST", f"/v1/payments/{payment['id']}/refund", half)
        expect(back.expect(200), state="partially_refunded", refunded_minor=AMOUNT_MINOR // 2)
        booked = await shop.charge(payment["psp_reference"])
        expect(booked, captured_minor=AMOUNT_MINOR, refunded_minor=AMOUNT_MINOR // 2)
        return {"payment": payment["id"], "trace_id": answer.trace_id}
