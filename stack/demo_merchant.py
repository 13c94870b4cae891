"""Merchants for the embedded stack: keys, PSP accounts at the sandbox and localstripe, webhooks.

Created through the services' own operator RPCs. A second start reuses the demo merchant.
"""

import base64
import json
import re
import secrets
import shlex
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

from incasso.common.v1 import merchant_pb2
from incasso.merchants.v1 import merchants_pb2, merchants_pb2_grpc
from incasso.payments.v1 import payments_pb2, payments_pb2_grpc
from libs import client, context, deadlines, identity
from libs.identity import OPERATOR
from libs.services import NAMES
from stack.demo_couriers import give_couriers
from stack.embedded import Stack
from stack.private import write_private
from stack.reach import Reach
from stack.topology import DEMO_EMAIL, DEMO_PASSWORD, tls_env

NAME = "Bottega Demo"
LENDER_NAME = "Bottega a rate"  # registered as a lender; the demo advances its clock by a year
LENDER_KEY = "INCASSO_LENDER_SECRET_KEY"
LENDER_SUFFIX = "-lender"  # for its accounts at the sandbox
PLAN = "pro"  # its quotas are ample for trying things out
COLOUR = "#0f5b4c"  # as in its logo
IBAN = "IT60X0542811101000000123456"  # the standard Italian example, not real
LOGO = Path(__file__).with_name("demo_logo.png")
SANDBOX_ACCOUNTS = ("sandbox-a", "sandbox-b")
STRIPE_ACCOUNT = "stripe"
# The gateway's route for a PSP's webhooks, by the id of the PSP account.
WEBHOOK_PATH = "/webhooks/psp/{psp_account_id}"


@dataclass(frozen=True)
class DemoMerchant:
    merchant_id: str
    secret_key: str
    publishable_key: str
    lender_key: str = ""  # secret key of a second merchant, a lender with its own clock


def sandbox_accounts(suffix: str) -> dict[str, str]:
    """A merchant's accounts at the sandbox, and the merchant's own names for them."""
    return {f"{name}{suffix}": name for name in SANDBOX_ACCOUNTS}


async def ensure_demo_merchant(stack: Stack) -> DemoMerchant:
    """The merchants in demo.env if their keys still work, otherwise new ones."""
    known = await _ensured(stack, NAME, "INCASSO_SECRET_KEY", suffix="")
    lender = await _ensured(stack, LENDER_NAME, LENDER_KEY, suffix=LENDER_SUFFIX)
    await give_a_face(stack, known.merchant_id)
    await give_couriers(stack.url, known.secret_key)
    merchant = replace(known, lender_key=lender.secret_key)
    write_demo_env(stack, merchant)
    return merchant


async def _ensured(stack: Stack, name: str, variable: str, *, suffix: str) -> DemoMerchant:
    known = await remembered(stack, variable)
    if known is None:
        return await create_merchant(stack, name, suffix=suffix)
    await connect_psps(stack, known.merchant_id, suffix=suffix)
    return known


async def create_merchant(
    stack: Reach, name: str, *, suffix: str = "", plan: str = PLAN
) -> DemoMerchant:
    """A test merchant with two sandbox accounts and a stripe account.

    `suffix` separates the accounts of several merchants at the sandbox; the merchant's own names for
    them lack it.
    """
    request = merchants_pb2.CreateMerchantRequest(
        name=name,
        country="IT",
        default_currency="EUR",
        locale="it",
        test=True,
        plan=plan,
    )
    async with merchants(stack) as stub:
        made = await client.call(stub.CreateMerchant, request, timeout_seconds=deadlines.QUESTION)
    by_kind = {key.kind: key.secret for key in made.api_keys}
    await connect_psps(stack, made.merchant.id, suffix=suffix)
    return DemoMerchant(
        made.merchant.id,
        by_kind[merchants_pb2.ApiKey.KIND_SECRET],
        by_kind[merchants_pb2.ApiKey.KIND_PUBLISHABLE],
    )


async def remembered(stack: Stack, variable: str) -> DemoMerchant | None:
    if not stack.folders.demo_env.exists():
        return None
    stored = read_demo_env(stack.folders.demo_env)
    secret = stored.get(variable, "")
    headers = {"Authorization": f"Bearer {secret}"}
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{stack.url}/v1/merchant", headers=headers) as answer,
    ):
        if answer.status != HTTPStatus.OK:
            return None  # the data was removed but not the file
        found = await answer.json()
    return DemoMerchant(found["id"], secret, stored.get("INCASSO_PUBLISHABLE_KEY", ""))


async def give_a_face(
    stack: Reach, merchant_id: str, *, holder: str = "Bottega Demo S.r.l.", iban: str = IBAN
) -> None:
    """Sets what shoppers see of the merchant, unless it already has branding or a bank account."""
    update = merchants_pb2.UpdateMerchantRequest(
        branding=merchants_pb2.Branding(
            primary_colour=COLOUR,
            reply_to="ciao@bottega.example",
            website_url="https://bottega.example",
        ),
        seller=merchant_pb2.Seller(
            legal_name=holder,
            vat_number="IT12345670017",  # an example; not a real company's
            address="Via Garibaldi 12, 10122 Torino",
        ),
    )
    account = merchants_pb2.ChangeBankAccountRequest(holder=holder, iban=iban, bic="BPPIITRRXXX")
    logo = merchants_pb2.PutLogoRequest(picture=base64.b64encode(LOGO.read_bytes()).decode())
    with acting_for(merchant_id):
        async with merchants(stack) as stub:
            request = merchants_pb2.GetMerchantRequest()
            found = await client.call(stub.GetMerchant, request, timeout_seconds=deadlines.QUESTION)
            if found.merchant.HasField("branding") or found.merchant.HasField("bank_account"):
                return
            await client.call(stub.UpdateMerchant, update, timeout_seconds=deadlines.QUESTION)
            await client.call(stub.ChangeBankAccount, account, timeout_seconds=deadlines.QUESTION)
            await client.call(stub.PutLogo, logo, timeout_seconds=deadlines.QUESTION)


async def connect_psps(stack: Reach, merchant_id: str, *, suffix: str) -> None:
    """Credentials, PSP accounts and webhooks; existing ones stay."""
    with acting_for(merchant_id):
        await _connect_psps(stack, suffix=suffix)


@contextmanager
def acting_for(merchant_id: str) -> Iterator[None]:
    """Calls in this block are made for the merchant."""
    before = context.current()
    context.set_current(context.Call(merchant_id=merchant_id, actor=OPERATOR))
    try:
        yield
    finally:
        context.set_current(before)


async def _connect_psps(stack: Reach, *, suffix: str) -> None:
    async with payments(stack) as stub, aiohttp.ClientSession() as http:
        request: Any = payments_pb2.ListPspAccountsRequest()
        listed = await client.call(
            stub.ListPspAccounts, request, timeout_seconds=deadlines.QUESTION
        )
        existing = {account.name: account.id for account in listed.data}
        for name in (*SANDBOX_ACCOUNTS, STRIPE_ACCOUNT):
            psp = "stripe" if name == STRIPE_ACCOUNT else "sandbox"
            credentials = write_credentials(stack, psp, f"{name}{suffix}")
            if name not in existing:
                request = payments_pb2.CreatePspAccountRequest(
                    name=name, psp=psp, credentials=f"{name}{suffix}"
                )
                made = await client.call(
                    stub.CreatePspAccount, request, timeout_seconds=deadlines.QUESTION
                )
                existing[name] = made.psp_account.id
            url = stack.url + WEBHOOK_PATH.format(psp_account_id=existing[name])
            await register_webhook(
                stack, http, f"{name}{suffix}", url, credentials["webhook_secret"]
            )


def write_credentials(stack: Reach, psp: str, name: str) -> dict[str, str]:
    """Writes the file that is a mounted secret in other installations. Addresses change at each start."""
    file = stack.folders.credentials / f"{name}.json"
    before = json.loads(file.read_text()) if file.exists() else {}
    webhook_secret = before.get("webhook_secret", f"whsec_{secrets.token_urlsafe(24)}")
    if psp == "stripe":
        content = {
            "api_base": stack.localstripe_url,
            "secret_key": "sk_test_localstripe",
            "publishable_key": "pk_test_localstripe",
            "field_url": f"{stack.localstripe_url}/js.stripe.com/v3/",
        }
    else:
        content = {
            "base_url": stack.sandbox_url,
            "account": name,
            "secret_key": f"sandbox_sk_{name}",
            "publishable_key": name,
            "field_url": f"{stack.sandbox_url}/psp/field.js",
        }
    content["webhook_secret"] = webhook_secret
    write_private(file, json.dumps(content, indent=2) + "\n")
    return content


async def register_webhook(
    stack: Reach, http: aiohttp.ClientSession, account: str, url: str, secret: str
) -> None:
    if account.startswith(STRIPE_ACCOUNT):
        answer = await http.post(
            f"{stack.localstripe_url}/_config/webhooks/{account}",
            json={"url": url, "secret": secret},
        )
    else:
        answer = await http.put(
            f"{stack.sandbox_url}/control/accounts/{account}",
            json={"webhook_url": url, "webhook_secret": secret},
        )
    async with answer:
        answer.raise_for_status()


def read_demo_env(file: Path) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", file.read_text(), re.MULTILINE))


def write_demo_env(stack: Stack, merchant: DemoMerchant) -> None:
    values = {
        "INCASSO_URL": stack.url,
        "INCASSO_SECRET_KEY": merchant.secret_key,
        "INCASSO_PUBLISHABLE_KEY": merchant.publishable_key,
        LENDER_KEY: merchant.lender_key,
        "INCASSO_CONSOLE_URL": stack.console_url,
        "INCASSO_CONSOLE_EMAIL": DEMO_EMAIL,
        "INCASSO_CONSOLE_PASSWORD": DEMO_PASSWORD,
        "INCASSO_SANDBOX_URL": stack.sandbox_url,
        "INCASSO_INBOX_URL": stack.inbox_url,
        "INCASSO_LOCALSTRIPE_URL": stack.localstripe_url,
        # For the operators' command line.
        "INCASSO_MERCHANT": merchant.merchant_id,
        "INCASSO_IDENTITY_KEY_FILE": str(stack.folders.keys.private(OPERATOR).resolve()),
        "INCASSO_TRACE_URL": f"{stack.sandbox_url}/traces",
        **{f"INCASSO_{name.upper()}_DATABASE_URL": stack.owner_url(name) for name in NAMES},
        **tls_env(OPERATOR, stack.folders.certificates),
        **{name: value for name, value in stack.env.items() if name.endswith("_TARGET")},
    }
    lines = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    write_private(stack.folders.demo_env, lines)


@asynccontextmanager
async def merchants(stack: Reach) -> AsyncIterator["merchants_pb2_grpc.MerchantsServiceAsyncStub"]:
    async with stack.channel("merchants") as channel:
        with identity.acting_as(stack.operator):
            yield merchants_pb2_grpc.MerchantsServiceStub(channel)


@asynccontextmanager
async def payments(stack: Reach) -> AsyncIterator["payments_pb2_grpc.PaymentsServiceAsyncStub"]:
    async with stack.channel("payments") as channel:
        with identity.acting_as(stack.operator):
            yield payments_pb2_grpc.PaymentsServiceStub(channel)
