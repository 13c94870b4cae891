"""The page of an order: its URL, what it shows, and confirming by its token."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from incasso.cod.v1 import orders_pb2 as pb
from libs import ids, retention
from services.cod import retention as kept_here
from services.cod.rules import codes
from services.cod.rules.orders import Recipient
from services.cod.rules.page import code_sent_to
from services.cod.rules.states import OrderState
from tests.services.cod.converting import convert, link_of, pay
from tests.services.cod.given import an_order
from tests.services.cod.orders import GIULIA, ROME, event
from tests.services.cod.refunding import Cashier
from tests.services.cod.refusing import refused
from tests.services.cod.test_codes import other_than
from tests.services.cod.test_converting import with_fee
from tests.services.cod.test_erasing import erase

PREFIX = "https://pay.example/cod/"
ABSENT = "cod_order_not_found"


def token_of(order: Any) -> str:
    return order.page_url.removeprefix(PREFIX)


async def by_token(shop, rpc: str, *, key: str = "", **fields: Any) -> Any:
    """Calls as the gateway does for a shopper: without a merchant."""
    world = replace(shop.world, merchant_id="", ahead=timedelta())
    return (await world.call(rpc, key=key, **fields)).page


async def page(shop, token: str) -> Any:
    return await by_token(shop, "GetCodPage", token=token)


async def test_every_answer_about_an_order_has_its_one_page_url(shop, stranger):
    order = await shop.propose()
    assert order.page_url.startswith(PREFIX)
    assert len(token_of(order)) == 22
    assert (await shop.get(order.id)).page_url == order.page_url
    (listed,) = (await shop.call("ListCodOrders")).data
    assert listed.page_url == order.page_url
    asked = await shop.call("GetCodOrderAddress", cod_order_id=order.id)
    assert asked.url == order.page_url
    assert await refused(stranger.call("GetCodOrderAddress", cod_order_id=order.id)) == ABSENT


async def test_a_repeated_call_returns_the_same_page_url(shop):
    key, fields = ids.new("key"), {"order_reference": f"A-{ids.new('ref')}"}
    order = await shop.propose(key=key, **fields)
    assert (await shop.propose(key=key, **fields)).page_url == order.page_url


async def test_the_token_is_in_no_row_stored_answer_or_event(shop):
    order = await shop.propose()
    async with shop.world.deps.db.connection() as conn:
        for table in ("order_addresses", "orders", "outbox", "idempotency_keys"):
            rows = await conn.fetch(f"SELECT * FROM {table}")
            assert not any(token_of(order) in repr(tuple(row.values())) for row in rows), table


async def test_the_page_shows_the_order_and_the_amount_to_collect(shop):
    lines = [{"name": "Scarpe", "quantity": 1, "unit_amount_minor": 50_00}]
    order = await shop.propose(lines=lines, deposit_minor=5_00)
    shown = await page(shop, token_of(order))
    assert (shown.state, shown.order_reference) == (order.state, order.order_reference)
    assert (shown.amount.amount_minor, shown.deposit_minor) == (50_00, 5_00)
    assert (shown.total_minor, shown.to_collect_minor) == (50_00, 45_00)
    assert ([line.name for line in shown.lines], shown.town) == (["Scarpe"], "Roma")
    assert (shown.courier, shown.merchant.name) == ("GLS", "La Bottega")
    assert shown.merchant.seller.vat_number == "IT12345670017"
    assert not shown.HasField("code_sent_to")


async def test_the_page_shows_no_personal_data(shop):
    await shop.world.settings(confirmation_needed=True)
    shown = str(await page(shop, token_of(await shop.propose(metadata={"door": "Porta blu"}))))
    for personal in (*GIULIA.values(), ROME["street"], ROME["postcode"], "Porta blu"):
        assert personal not in shown


@pytest.mark.parametrize("token", ["x", "3xK9mQ2vT7bN4cR8wZ1pLd", "\ufffd" * 30])
async def test_every_invalid_token_is_answered_with_order_not_found(shop, token):
    await shop.propose()
    assert await refused(page(shop, token)) == ABSENT
    work = by_token(shop, "ConfirmCodPage", token=token, code="123456")
    assert await refused(work) == ABSENT
    work = by_token(shop, "SendCodPageCode", token=token, key=ids.new("key"))
    assert await refused(work) == ABSENT


async def test_an_order_is_confirmed_on_its_page(shop):
    await shop.world.settings(confirmation_needed=True)
    order = await shop.propose()
    token, code = token_of(order), await shop.code(order.id)
    assert (await page(shop, token)).code_sent_to == "••• 567"
    wrong = by_token(shop, "ConfirmCodPage", token=token, code=other_than(code))
    assert await refused(wrong) == "cod_code_wrong"
    fields = {"token": token, "code": code, "key": ids.new("key")}
    for _ in range(2):  # a form sent twice is one attempt
        shown = await by_token(shop, "ConfirmCodPage", **fields)
        assert shown.state == pb.CodOrder.STATE_CONFIRMED
        assert not shown.HasField("code_sent_to")
    assert await shop.published(order.id) == ["order.proposed", "order.confirmed"]


async def test_tries_on_the_page_and_by_the_shop_share_one_limit(shop):
    await shop.world.settings(confirmation_needed=True)
    order = await shop.propose()
    code = await shop.code(order.id)
    for number in range(codes.TRIES):
        guess = other_than(code)
        work = (
            by_token(shop, "ConfirmCodPage", token=token_of(order), code=guess)
            if number % 2
            else shop.confirm(order.id, guess)
        )
        assert await refused(work) == "cod_code_wrong"
    work = by_token(shop, "ConfirmCodPage", token=token_of(order), code=code)
    assert await refused(work) == "cod_code_wrong"


async def test_a_new_code_can_be_requested_on_the_page_after_a_pause(shop):
    await shop.world.settings(confirmation_needed=True)
    order = await shop.propose()
    fields = {"token": token_of(order), "key": ids.new("key")}
    assert await refused(by_token(shop, "SendCodPageCode", **fields)) == "too_many_codes"
    async with shop.world.deps.db.connection() as conn:
        await conn.execute(
            "UPDATE codes SET sent_at = sent_at - $2::interval WHERE order_id = $1",
            order.id,
            codes.APART,
        )
    for _ in range(2):
        await by_token(shop, "SendCodPageCode", **fields)
    assert len(await shop.messages(order.id)) == 2
    work = by_token(shop, "SendCodPageCode", token=token_of(order))
    assert await refused(work) == "idempotency_key_missing"


async def online(shop, order: Any) -> str:
    world = replace(shop.world, merchant_id="", ahead=timedelta())
    return (await world.call("PayCodPageOnline", token=token_of(order))).url


async def test_the_page_pays_online_by_the_one_open_link(shop):
    order = await with_fee(shop)
    shown = await page(shop, token_of(order))
    assert (shown.to_collect_minor, shown.online_minor) == (52_00, 50_00)
    url = await online(shop, order)
    link = link_of(shop, await convert(shop, order))
    assert url.endswith(link.id)
    assert await online(shop, order) == url
    await pay(shop, link)
    after = await page(shop, token_of(order))
    assert (after.state, after.paid_online_minor) == (pb.CodOrder.STATE_CONVERTED, 50_00)
    assert (after.to_collect_minor, after.fee_minor, after.HasField("online_minor")) == (
        0,
        0,
        False,
    )
    assert await refused(online(shop, order)) == "cod_order_closed"
    message = (await shop.messages(order.id))[-1]
    assert (message.reason, message.amount.amount_minor) == (message.REASON_CONVERTED, 50_00)


async def test_the_page_of_a_collected_order_offers_no_online_payment(shop):
    order = await shop.dispatched()
    await shop.report(event(order, "collected"))
    assert not (await page(shop, token_of(order))).HasField("online_minor")
    assert await refused(online(shop, order)) == "cod_order_closed"


async def test_an_erased_customer_has_no_page(shop):
    order = await shop.propose(customer_id="cus_erased")
    other = await shop.propose(customer_id="cus_marco")
    await erase(shop)
    assert await refused(page(shop, token_of(order))) == ABSENT
    assert not (await shop.get(order.id)).HasField("page_url")
    assert (await page(shop, token_of(other))).order_reference == other.order_reference


async def test_a_page_is_removed_after_the_dispute_period(shop):
    order = await shop.propose()
    async with shop.world.deps.db.connection() as conn:
        await conn.execute(
            "UPDATE order_addresses SET issued_at = now() - $2::interval WHERE order_id = $1",
            order.id,
            kept_here.DISPUTABLE + timedelta(days=1),
        )
    await retention.keep_to(shop.world.deps.db, kept_here.KEPT.rules)
    assert await refused(page(shop, token_of(order))) == ABSENT


@pytest.mark.parametrize(
    ("recipient", "shown"),
    [
        (Recipient("G", "giulia@example.com", "+393331234567"), "••• 567"),
        (Recipient("G", "giulia@example.com"), "g•••@example.com"),
        (Recipient(None), None),
    ],
)
def test_the_destination_of_a_code_is_masked(recipient, shown):
    order = an_order(recipient=recipient, state=OrderState.PROPOSED)
    assert code_sent_to(order) == shown
    assert code_sent_to(replace(order, state=OrderState.CONFIRMED)) is None


ACCOUNT = {"holder": "Giulia Bianchi", "iban": "IT60 X054 2811 1010 0000 0123 456"}


async def test_the_shopper_can_set_the_refund_account_only_once(shop):
    cashier = Cashier(shop)
    order = await cashier.collected()
    token = token_of(await shop.get(order.id))
    first, second = await cashier.ask(order, 20_00), await cashier.ask(order, 5_00)
    await cashier.call("CancelCodRefund", await cashier.ask(order, 1_00))
    shown = await page(shop, token)
    assert [refund.amount.amount_minor for refund in shown.refunds] == [5_00, 20_00]
    assert not shown.refunds[0].HasField("account")
    named = await by_token(shop, "SetCodPageRefundAccount", token=token, **ACCOUNT)
    assert [refund.account.iban for refund in named.refunds] == ["IT60 ••• 3456"] * 2
    for refund in (first, second):
        now = await cashier.call("GetCodRefund", refund)
        assert (now.state, now.account_given_by) == (now.STATE_READY, "shopper")
        assert await shop.published(refund.id) == ["refund.requested", "refund.ready"]
    again = by_token(shop, "SetCodPageRefundAccount", token=token, **ACCOUNT)
    # Holders of the URL cannot redirect the refunds.
    assert await refused(again) == "cod_refund_closed"


@pytest.mark.parametrize(
    ("account", "wrong"),
    [
        ({**ACCOUNT, "iban": "IT60X0542811101000000123457"}, ["iban"]),
        ({"holder": "★★", "iban": "BR1800360305000010009795493C1"}, ["holder", "iban"]),
        ({**ACCOUNT, "holder": ""}, ["holder"]),
    ],
)
async def test_an_invalid_account_is_refused_by_field(shop, account, wrong):
    cashier = Cashier(shop)
    order = await cashier.collected()
    await cashier.ask(order)
    token = token_of(await shop.get(order.id))
    work = by_token(shop, "SetCodPageRefundAccount", token=token, **account)
    refusal = await refused(work, whole=True)
    assert [found.field for found in refusal.violations] == wrong
