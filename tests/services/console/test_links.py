"""Links in the console: reissued, quotes previewed before they are sent, abandoned carts."""

from typing import Any

import pytest

from incasso.paylink.v1 import paylink_pb2, shop_pb2
from libs.errors import Kind, RemoteRefusal
from libs.roles import Role
from tests.services.console.conftest import Console
from tests.services.console.samples import CART_ID, LINK_ID, link, money
from tests.services.console.shop_samples import cart

LINK = paylink_pb2.PaymentLink
ONE = f"/links/{LINK_ID}"
QUOTE = "/links/quotes/new"
CART = f"/links/carts/{CART_ID}"
TYPED = {
    "rows": "3",
    "name_0": "Cucina",
    "quantity_0": "2",
    "price_0": "500,00",
    "vat_0": "22",
    "name_1": "Sconto",
    "quantity_1": "1",
    "price_1": "-100",
    "vat_1": "22",
    "title": "Preventivo 118",
    "text": "Posa compresa.",
    "days": "15",
    "version": "2",
    "deposit": "300",
    "locale": "it",
    "contact": "giulia@example.com",
    "order_reference": "Q-118",
    "do": "send",
}


def ended(console: Console, state: int, **more: Any) -> paylink_pb2.PaymentLink:
    found = link(state=state, **more)
    console.services.answers["GetPaymentLink"] = paylink_pb2.GetPaymentLinkResponse(
        payment_link=found
    )
    return found


async def test_an_expired_link_is_reissued(console: Console):
    ended(console, LINK.STATE_EXPIRED)
    assert "Reissue and send" in await console.page(ONE)
    _, place, _ = await console.post(f"{ONE}/issue", {"days": "14"})
    assert place == f"{ONE}?notice=sent"
    asked = console.services.last("ReissuePaymentLink").request
    assert (asked.payment_link_id, asked.expires_in_days) == (LINK_ID, 14)
    assert console.services.calls("CreatePaymentLink") == 0


async def test_a_cancelled_link_is_replaced_by_one_with_the_same_lines(console: Console):
    lines = [paylink_pb2.LineItem(name="Tazza", quantity=2, unit_amount_minor=2450)]
    quote = paylink_pb2.Quote(title="P 1", text="Testo.", version="1", text_sha256="0" * 64)
    quote.acceptance.version = "1"
    old = ended(
        console,
        LINK.STATE_CANCELLED,
        line_items=lines,
        deposit=money(1000),
        quote=quote,
        locale="it",
        customer_id="cus_1",
        methods=[paylink_pb2.METHOD_CARD],
        reminder_days=[2],
    )
    _, place, _ = await console.post(f"{ONE}/issue", {"days": "30"})
    assert place == f"{ONE}?notice=sent"
    made = console.services.last("CreatePaymentLink").request
    assert (made.amount, made.line_items, made.deposit) == (old.amount, lines, money(1000))
    assert (made.recipient, made.channels) == (old.recipient, old.channels)
    assert made.quote == paylink_pb2.Quote(title="P 1", text="Testo.", version="1")
    assert (made.customer_id, list(made.reminders.after_days)) == ("cus_1", [2])


@pytest.mark.parametrize(
    ("state", "origin"),
    [
        (LINK.STATE_PAID, LINK.ORIGIN_API),
        (LINK.STATE_CANCELLED, LINK.ORIGIN_INSTALMENT),
        (LINK.STATE_CANCELLED, LINK.ORIGIN_COD),
    ],
)
async def test_paid_links_and_links_of_instalments_or_cod_cannot_be_reissued(
    console: Console, state: int, origin: int
):
    ended(console, state, origin=origin)
    assert f"{ONE}/issue" not in await console.page(ONE)
    status, _, _ = await console.post(f"{ONE}/issue", {"days": "30"})
    assert status == 409
    assert console.services.calls("CreatePaymentLink") == 0


@pytest.mark.parametrize("days", ["", "0", "121", "soon"])
async def test_reissuing_a_link_with_invalid_days_is_refused(console: Console, days: str):
    ended(console, LINK.STATE_EXPIRED)
    status, _, page = await console.post(f"{ONE}/issue", {"days": days})
    assert status == 400
    assert "up to 120" in page
    assert console.services.calls("ReissuePaymentLink") == 0


async def test_reissuing_a_link_whose_money_arrived_late_is_explained(console: Console):
    ended(console, LINK.STATE_EXPIRED)
    refusal = RemoteRefusal(Kind.CONFLICT, "money_arrived_late", "Settle the transfer.")
    console.services.answers["ReissuePaymentLink"] = refusal
    status, _, page = await console.post(f"{ONE}/issue", {"days": "30"})
    assert status == 409
    assert "The money has arrived" in page


async def test_a_quote_is_sent_with_its_lines_and_total(console: Console):
    _, place, _ = await console.post(QUOTE, TYPED)
    assert place == f"{ONE}?notice=quote_sent"
    made = console.services.last("CreatePaymentLink").request
    lines = [(one.name, one.quantity, one.unit_amount_minor) for one in made.line_items]
    assert lines == [("Cucina", 2, 50_000), ("Sconto", 1, -10_000)]
    assert (made.amount, made.deposit) == (money(90_000), money(30_000))
    assert (made.expires_in_days, made.locale) == (15, "it")
    assert (made.quote.title, made.quote.version) == ("Preventivo 118", "2")
    assert made.quote.text.startswith("Posa compresa.\n\n2 × Cucina: ")
    assert "di cui IVA 22%: 162,30" in made.quote.text  # 900 × 22 / 122
    assert "Valido fino al " in made.quote.text


async def test_previewing_a_quote_sends_nothing(console: Console):
    _, _, page = await console.post(QUOTE, {**TYPED, "do": "preview"})
    assert "As the customer will see it" in page
    assert "Leggi e accetta" in page  # in the customer's language
    assert "di cui IVA 22%" in page
    assert 'value="Preventivo 118"' in page  # the form keeps what was typed
    assert console.services.calls("CreatePaymentLink") == 0
    assert console.services.calls("RecordIntent") == 0


async def test_more_lines_can_be_added_to_a_quote(console: Console):
    status, _, page = await console.post(QUOTE, {**TYPED, "title": "", "do": "more"})
    assert status == 200
    assert 'name="name_5"' in page
    assert 'value="Cucina"' in page


@pytest.mark.parametrize(
    ("field", "typed", "expected"),
    [
        ("name_0", "", "Say what it is"),
        ("quantity_0", "0", "at least 1"),
        ("price_0", "much", "Not an amount"),
        ("vat_0", "all", "Not a rate"),
        ("price_1", "-2000", "come to nothing"),
        ("title", "", "Give it a title"),
        ("days", "121", "up to 120"),
        ("deposit", "some", "Not an amount"),
        ("contact", "nowhere", "Neither an e-mail"),
    ],
)
async def test_an_invalid_field_of_a_quote_is_explained(
    console: Console, field: str, typed: str, expected: str
):
    status, _, page = await console.post(QUOTE, {**TYPED, field: typed})
    assert status == 400
    assert expected in page
    assert console.services.calls("CreatePaymentLink") == 0


async def test_a_quote_without_lines_is_refused(console: Console):
    fields = {name: text for name, text in TYPED.items() if name[-1] not in "01"}
    status, _, page = await console.post(QUOTE, fields)
    assert status == 400
    assert "at least one line" in page


async def test_a_cart_can_be_recovered_manually(console: Console):
    page = await console.page(CART)
    assert "2 × €24.50" in page
    _, place, _ = await console.post(f"{CART}/recover", {})
    assert place == f"{CART}?notice=recovering"
    assert console.services.last("RecoverCart").request.cart_id == CART_ID
    assert '"reference":"cart-77"' in console.services.last("RecordIntent").request.before


async def test_a_cart_marked_as_completed_can_no_longer_be_recovered(console: Console):
    _, place, _ = await console.post(f"{CART}/complete", {})
    assert place == f"{CART}?notice=completed"
    done = shop_pb2.GetCartResponse(cart=cart(state=shop_pb2.Cart.STATE_COMPLETED))
    console.services.answers["GetCart"] = done
    page = await console.page(CART)
    assert f"{CART}/recover" not in page
    assert f"{CART}/complete" not in page


async def test_a_viewer_sees_no_buttons_to_recover_carts_or_reissue_links(console: Console):
    console.act_as(Role.VIEWER)
    assert f"{CART}/recover" not in await console.page(CART)
    ended(console, LINK.STATE_EXPIRED)
    assert f"{ONE}/issue" not in await console.page(ONE)
