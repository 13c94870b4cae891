"""The page of a cash-on-delivery order: what it says in each state, its forms, and strangers."""

import re
import secrets
from html import unescape

import pytest

from incasso.cod.v1 import pages_pb2
from incasso.common.v1 import offer_pb2
from libs import descriptors
from libs.errors import FieldViolation, Kind, OutcomeUnknown, RemoteRefusal
from services.gateway.openapi import comments
from services.gateway.pay import cod_view
from services.gateway.pay.cod_forms import ACTIONS
from services.gateway.pay.guard import MAX_FORM_BYTES
from services.gateway.pay.texts import REFUSALS, WORDS
from tests.services.gateway.cod_samples import (
    DEPOSIT,
    ORDER,
    PATH,
    STATES,
    TOKEN,
    collected,
    converted,
    page,
    plain,
    show,
    to_confirm,
    unpaid,
)

OURS = {"Sec-Fetch-Site": "same-origin"}
TYPED = {"form_key": "k-1", "code": "048 271"}


async def html(gateway, path=PATH, status=200, language="it"):
    headers = {"Accept-Language": language}
    async with gateway.request("GET", path, key=None, headers=headers) as response:
        assert response.status == status, path
        return (await response.text()).replace("\xa0", " ")


def post(gateway, form, fields=None, *, headers=OURS, path=""):
    """Posts to a new order, since forms of one order are rate-limited."""
    path = path or f"/cod/{secrets.token_urlsafe(16)}"
    return gateway.request("POST", f"{path}/{form}", key=None, data=fields or {}, headers=headers)


async def location(gateway, form, fields=None, **more):
    """Where the form redirects, with the order replaced by `PATH`."""
    async with post(gateway, form, fields, **more) as response:
        assert response.status == 303, await response.text()
        return re.sub(r"^/cod/[\w-]+", PATH, response.headers["Location"])


@pytest.mark.parametrize("name", STATES)
async def test_looking_at_an_order_changes_nothing(gateway, name):
    show(gateway, STATES[name]())
    for method in ("GET", "HEAD"):
        for path in (PATH, *(f"{PATH}/{form}" for form in ACTIONS)):
            async with gateway.request(method, path, key=None) as response:
                assert response.status == (200 if path == PATH else 303)
    assert {seen.name for seen in gateway.services.seen} == {"GetCodPage"}


async def test_the_page_shows_the_exact_amount_to_pay_and_its_breakdown(gateway):
    show(gateway, to_confirm())
    text = await html(gateway)
    assert '<span class="amount">115,00 €</span>' in text
    assert re.findall(r'(?:<bdi>|<small>|<th scope="row">|<td>)([^<]+)<', text)[:13] == [
        *("Scarpe da corsa", "119,00 €"),
        *("Calze", "2 × 5,00 €", "10,00 €"),
        *("Pagamento alla consegna", "6,00 €"),
        *("Totale", "135,00 €"),
        *("Acconto pagato online", "-20,00 €"),
        *("Da pagare alla consegna", "115,00 €"),
    ]


def sums(found):
    return [(row.name, row.amount.replace("\xa0", " ")) for row in cod_view.totals(found, "en")]


def test_totals_show_only_the_rows_that_apply():
    assert sums(plain(ORDER.STATE_CONFIRMED)) == [("To pay on delivery", "€129.00")]
    assert sums(page(ORDER.STATE_CONFIRMED)) == [
        ("Payment on delivery", "€6.00"),
        ("Total", "€135.00"),
        ("Deposit, paid online", "-€20.00"),
        ("To pay on delivery", "€115.00"),
    ]
    assert sums(unpaid(ORDER.STATE_CONFIRMED))[2] == ("Deposit, online", "-€20.00")
    assert sums(collected(ORDER.STATE_SHORT))[-1] == ("Paid on delivery", "€115.00")
    assert sums(converted())[1:] == [
        ("Deposit, paid online", "-€20.00"),
        ("Paid online", "€109.00"),
    ]
    for ended in (ORDER.STATE_RETURNED, ORDER.STATE_CANCELLED):
        assert sums(page(ended)) == [("Payment on delivery", "€6.00"), ("Total", "€135.00")]


@pytest.mark.parametrize("state", [number for number in ORDER.State.values() if number])
@pytest.mark.parametrize("language", WORDS)
def test_every_state_of_an_order_has_a_view_with_texts(state, language):
    name = cod_view.name_of(page(state))
    assert name != "unknown"
    assert {f"cod_{name}_title", f"cod_{name}_text"} <= WORDS[language].keys()


@pytest.mark.parametrize("mode", [number for number in offer_pb2.CollectionMode.values() if number])
def test_each_collection_mode_is_described_until_the_order_is_collected(mode):
    assert cod_view.way(page(ORDER.STATE_CONFIRMED, mode=mode), "it")
    assert not cod_view.way(page(ORDER.STATE_COLLECTED, mode=mode), "it")


async def test_the_page_uses_the_browsers_language_and_keeps_a_chosen_one(gateway):
    show(gateway, to_confirm())
    assert "Confirm your order" in await html(gateway, language="en")
    chosen = await html(gateway, f"{PATH}?lang=en")
    assert "Confirm your order" in chosen
    assert f'action="{PATH}/confirm?lang=en"' in chosen
    gateway.services.answers["ConfirmCodPage"] = pages_pb2.ConfirmCodPageResponse()
    async with post(gateway, "confirm?lang=en", TYPED, path=PATH) as response:
        assert response.headers["Location"] == f"{PATH}?lang=en"


async def test_the_code_field_is_shown_only_while_the_order_awaits_confirmation(gateway):
    for name, made in STATES.items():
        show(gateway, made())
        asked = 'name="code"' in await html(gateway)
        assert asked == name.startswith("confirm-") or name == "confirm", name


async def test_resubmitting_a_code_reuses_the_idempotency_key_of_its_page(gateway):
    for _ in range(2):
        assert await location(gateway, "confirm", TYPED, path=PATH) == PATH
    seen = [seen for seen in gateway.services.seen if seen.name == "ConfirmCodPage"]
    assert {one.call.idempotency_key for one in seen} == {"k-1"}
    assert {one.call.merchant_id for one in seen} == {""}
    assert seen[0].request == pages_pb2.ConfirmCodPageRequest(token=TOKEN, code="048 271")


async def test_requesting_another_code_needs_the_idempotency_key_of_its_page(gateway):
    asked = {"form_key": "k-2"}
    assert await location(gateway, "send-code", asked, path=PATH) == f"{PATH}?notice=cod_code_sent"
    assert gateway.services.last("SendCodPageCode").call.idempotency_key == "k-2"
    no_key = await location(gateway, "send-code", {})
    assert no_key == f"{PATH}?notice=idempotency_key_missing"
    assert gateway.services.calls("SendCodPageCode") == 1


async def test_paying_online_redirects_to_the_payment_link_on_our_host(gateway):
    """The redirect stays on our own host, whatever the link's URL says."""
    for url, leads in (
        ("https://pay.example/p/3xK9mQ2v", "/p/3xK9mQ2v"),
        ("https://pay.example//evil.example/", PATH),
        ("", PATH),
    ):
        gateway.services.answers["PayCodPageOnline"] = pages_pb2.PayCodPageOnlineResponse(url=url)
        assert await location(gateway, "pay-online", path=PATH) == leads
    seen = gateway.services.last("PayCodPageOnline")
    assert (seen.request.token, seen.call.merchant_id) == (TOKEN, "")


@pytest.mark.parametrize("name", STATES)
async def test_paying_online_is_offered_only_where_possible_with_its_saving(gateway, name):
    found = STATES[name]()
    show(gateway, found)
    text = await html(gateway)
    assert ("/pay-online" in text) == found.HasField("online_minor")
    spares = found.HasField("online_minor") and found.fee_minor > 0
    due = found.deposit.state == DEPOSIT.STATE_DUE
    assert ("paghi 109,00 € invece di 115,00 €" in text) == (spares and not due)
    assert ("paghi 129,00 € invece di 135,00 €" in text) == (spares and due)


async def test_a_due_deposit_is_requested_once_the_order_is_confirmed(gateway):
    for name, made in STATES.items():
        show(gateway, made())
        text = unescape(await html(gateway))
        assert ("/pay-deposit" in text) == (name == "deposit"), name
        assert ("Poi paghi online l'acconto di 20,00 €" in text) == (name == "confirm-deposit")
    show(gateway, unpaid(ORDER.STATE_CONFIRMED))
    text = unescape(await html(gateway))
    assert 'data-view="cod-deposit"' in text
    assert '<p class="amount">20,00 €</p>' in text
    assert "Il resto lo paghi alla consegna: 115,00 €." in text


async def test_paying_the_deposit_redirects_to_its_payment_link(gateway):
    answer = pages_pb2.PayCodPageDepositResponse(url="https://pay.example/p/3xK9mQ2v")
    gateway.services.answers["PayCodPageDeposit"] = answer
    assert await location(gateway, "pay-deposit", path=PATH) == "/p/3xK9mQ2v"
    assert gateway.services.last("PayCodPageDeposit").request.token == TOKEN
    paid = RemoteRefusal(Kind.CONFLICT, "cod_deposit_not_due", "No.")
    gateway.services.answers["PayCodPageDeposit"] = paid
    assert await location(gateway, "pay-deposit") == f"{PATH}?notice=cod_deposit_not_due"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("confirmed", "ha ricevuto il tuo acconto"),
        ("deposit-surplus", "L'ordine costa meno di prima: 30,00 €"),
        ("refused", "Se il pacco torna al negozio, l'acconto di 20,00 € torna sulla tua carta"),
        ("cancelled", "L'acconto di 20,00 € torna sulla carta"),
        ("returned", "L'acconto di 20,00 € è tornato sulla carta"),
        ("cancelled-unpaid", ""),
        ("confirmed-plain", "Paghi solo alla consegna"),
    ],
)
async def test_the_page_says_what_happens_to_the_deposit(gateway, name, expected):
    show(gateway, STATES[name]())
    text = unescape(await html(gateway))
    assert expected in text
    assert ("acconto" in text.lower()) == ("acconto" in expected or "costa meno" in expected)


@pytest.mark.parametrize("code", ["", "1" * 21])
async def test_an_impossible_code_is_refused_at_its_field(gateway, code):
    assert (
        await location(gateway, "confirm", {"form_key": "k", "code": code}) == f"{PATH}?notice=code"
    )
    assert gateway.services.calls("ConfirmCodPage") == 0
    show(gateway, to_confirm())
    text = await html(gateway, f"{PATH}?notice=code")
    assert 'aria-describedby="code-wrong code-sent" aria-invalid="true"' in text


@pytest.mark.parametrize(
    ("refusal", "notice"),
    [
        (RemoteRefusal(Kind.CONFLICT, "cod_code_wrong", "No."), "cod_code_wrong"),
        (RemoteRefusal(Kind.RATE, "too_many_codes", "No."), "too_many_codes"),
        (RemoteRefusal(Kind.CONFLICT, "a_new_one", "No."), "failed"),
        (
            RemoteRefusal(Kind.INVALID, "invalid_argument", "x", [FieldViolation("ip", "no")]),
            "invalid_argument",
        ),
        (RemoteRefusal(Kind.UNAVAILABLE, "service_unavailable", "Later."), "cod_unknown"),
        (OutcomeUnknown(), "cod_unknown"),
    ],
)
async def test_a_refusal_redirects_to_the_page_with_a_message(gateway, refusal, notice):
    gateway.services.answers["ConfirmCodPage"] = refusal
    assert await location(gateway, "confirm", TYPED) == f"{PATH}?notice={notice}"
    show(gateway, to_confirm())
    assert (await html(gateway, f"{PATH}?notice={notice}")).count('role="alert"') == 1


async def test_the_wrong_code_message_does_not_reveal_how_many_tries_are_left(gateway):
    show(gateway, to_confirm())
    text = await html(gateway, f"{PATH}?notice=cod_code_wrong")
    message = re.search(r'id="code-wrong".*?</p>', text, re.DOTALL)[0]
    assert "Questo codice non è giusto, o non vale più" in message
    assert not re.search(r"\d", re.sub(r"<[^>]+>", "", message))


def test_every_refusal_named_in_the_contract_has_a_message():
    named = set()
    for rpc in descriptors.service("incasso.cod.v1.CodPagesService").methods:
        named |= {
            code for code, _ in re.findall(r"([a-z_]+) \((\d+)\)", comments.of(rpc.full_name))
        }
    assert len(named) > 5
    assert named - {"cod_order_not_found"} <= REFUSALS.keys()  # which has its own page


async def test_cross_site_oversized_and_unknown_forms_are_refused(gateway):
    for form in ACTIONS:
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            async with post(gateway, form, TYPED, headers=headers) as response:
                assert response.status == 403
    async with post(gateway, "confirm", {**TYPED, "more": "x" * MAX_FORM_BYTES}) as response:
        assert response.status == 413
    async with post(gateway, "collect", TYPED) as response:
        assert response.status == 404
    assert gateway.services.seen == []
