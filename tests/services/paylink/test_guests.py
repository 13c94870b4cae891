"""A payer whom the link does not name chooses instalments: a customer is created for this link only."""

from datetime import timedelta
from typing import Any

import pytest

from incasso.paylink.v1 import paylink_pb2 as pb
from incasso.paylink.v1 import shop_pb2
from libs import ids
from libs.errors import InvalidArgument, Kind, Refusal
from libs.money import Money
from libs.payments.asking import ABANDON_AFTER
from services.paylink.flows import shop
from services.paylink.flows.shop import CreateProduct
from services.paylink.rules import guests, paying
from services.paylink.rules.domain import Origin, Recipient
from services.paylink.rules.guests import Guest, Needs
from services.paylink.rules.products import ShopChange
from tests.kit.payments_double import once, refuse
from tests.services.paylink.test_domain import draft
from tests.services.paylink.test_erasing import erase
from tests.services.paylink.test_links import refused
from tests.services.paylink.test_plans import NO_ANSWER, Plan, give_up, happen
from tests.services.paylink.world import Link, Try, World

ANNA = {"email": "anna@example.com", "name": "Anna Neri"}
BUYER = Recipient(name="Anna Neri", email="anna@example.com")


@pytest.mark.parametrize(
    ("link", "wanted"),
    [
        ({"customer_id": "cus_1"}, Needs(email=False, name=False)),
        ({}, Needs(email=True, name=True)),
        ({"recipient": BUYER}, Needs(email=True, name=True)),
        ({"origin": Origin.SHOP, "recipient": BUYER}, Needs(email=False, name=False)),
        (
            {"origin": Origin.SHOP, "recipient": Recipient(email="a@b.it")},
            Needs(email=False, name=True),
        ),
    ],
    ids=["customer", "nobody", "who was written to", "buyer", "buyer without a name"],
)
def test_a_payer_is_asked_for_email_and_name_unless_known_as_customer_or_buyer(link, wanted):
    assert guests.needs(draft(**link)) == wanted


def test_a_shop_buyer_may_give_another_name():
    link = draft(origin=Origin.SHOP, recipient=BUYER)
    assert guests.guest(link, email=None, name=" Anna  Maria Neri ") == Guest(
        "anna@example.com", "Anna Maria Neri", link.locale
    )


@pytest.mark.parametrize("field", ["email", "name"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_email_or_name_is_refused_by_field(field, value):
    with pytest.raises(InvalidArgument) as found:
        guests.guest(draft(recipient=BUYER), **{**ANNA, field: value})
    assert [violation.field for violation in found.value.violations] == [field]


def test_the_customer_key_covers_link_email_and_name():
    keys = [
        guests.key_of(link, Guest(email, name, "it"))
        for link in ("lnk_1", "lnk_2")
        for email in ("anna@example.com", "anna@example.org")
        for name in ("Anna Neri", "Anna Rossi")
    ]
    assert len(set(keys)) == 8
    assert keys[0] == guests.key_of("lnk_1", Guest("anna@example.com", "Anna Neri", "it"))


async def test_only_a_guest_paying_in_instalments_is_asked_for_email_and_name(world: World):
    guest = await world.page(await world.guest_link())
    assert guest.instalments
    assert (guest.plan_needs_email, guest.plan_needs_name) == (True, True)
    known = await world.page(await world.plan_link())
    assert (known.plan_needs_email, known.plan_needs_name) == (False, False)
    by_card = await world.page(await world.guest_link(methods=[pb.METHOD_CARD]))
    assert not by_card.plan_needs_email


async def test_a_guest_who_chooses_instalments_becomes_the_plans_customer(world: World):
    link = await world.guest_link(locale="en")
    payment = await world.choose(link, email=" anna@EXAMPLE.com ")
    (asked,) = world.oneclick.created.values()
    assert (asked.email, asked.name, asked.locale) == ("anna@example.com", "Anna Neri", "en")
    (plan,) = world.instalments.books.values()
    (tried,) = await world.tries(link)
    assert plan.customer_id == tried.customer_id == payment.link_payment.customer_id == "cus_1"
    await happen(world, plan.id, Plan.STATE_ACTIVE)
    paid = await world.get(link)
    assert (paid.state, paid.customer_id) == (Link.STATE_PAID, "")
    assert payment.link_payment.payer_email == "anna@example.com"


async def test_a_shop_buyer_pays_in_instalments_without_repeating_contact_details(world: World):
    """And can pay in instalments once the merchant enables them in the shop."""
    world.act()
    slug = world.merchant_id.replace("_", "-")
    await shop.update_shop(world.deps, ShopChange(slug=slug))
    sold = CreateProduct("Bici", None, Money(16_000, "EUR"), None, None, {})
    product = shop_pb2.Product.FromString(await shop.create_product(world.deps, sold, None))
    buy = {"slug": slug, "product_id": product.id, "quantity": 1, "shown_minor": 16_000, **ANNA}

    async def bought() -> Any:
        token = (await world.visit("BuyProduct", key=ids.new("key"), **buy)).token
        return (await world.visit("GetPayPage", token=token)).page, token

    page, _ = await bought()
    assert not page.instalments
    world.act()
    await shop.update_shop(world.deps, ShopChange(instalments=True))
    page, token = await bought()
    assert list(page.payment_link.methods)[-1] == pb.METHOD_INSTALMENTS
    assert page.HasField("transfer")
    assert page.instalments
    assert (page.plan_needs_email, page.plan_needs_name) == (False, False)
    choice = {"token": token, "terms_id": "trm_default", "offer": page.offer}
    chosen = (await world.visit("ChoosePlan", key=page.form_key, **choice)).payment
    assert chosen.plan_url
    (asked,) = world.oneclick.created.values()
    assert (asked.email, asked.name) == (ANNA["email"], ANNA["name"])


async def test_a_guest_links_page_shows_neither_the_payer_nor_saved_cards(world: World):
    """Every customer of the double has a saved card."""
    link = await world.guest_link()
    await world.choose(link)
    await give_up(world, link)
    page = await world.page(link)
    assert not page.saved_cards
    assert not page.payment.link_payment.HasField("payer_email")
    assert not page.payment.link_payment.HasField("customer_id")


async def test_a_guest_choosing_again_on_the_same_link_is_the_same_customer(world: World):
    link = await world.guest_link()
    for payer in (ANNA, ANNA, {**ANNA, "email": "eva@example.com"}):
        await world.choose(link, **payer)
        await give_up(world, link)
    customers = [one.customer_id for one in reversed(await world.tries(link))]
    assert customers == ["cus_1", "cus_1", "cus_2"]


async def test_the_same_email_on_another_link_makes_another_customer(world: World):
    first, second = await world.guest_link(), await world.guest_link(order_reference="A-1002")
    await world.choose(first)
    await world.choose(second)
    (one,), (other,) = await world.tries(first), await world.tries(second)
    assert one.customer_id != other.customer_id


@pytest.mark.parametrize("field", ["email", "name"])
async def test_choosing_instalments_without_email_or_name_starts_nothing(world: World, field):
    link = await world.guest_link()
    assert await refused(world.choose(link, **{field: ""})) == "invalid_argument"
    assert not world.instalments.quotes
    assert not world.oneclick.created
    await world.pay(link)


async def test_an_invalid_email_is_refused_by_field(world: World):
    link = await world.guest_link()
    with pytest.raises(Refusal) as found:
        await world.choose(link, email="anna at example.com")
    assert [violation.field for violation in found.value.violations] == ["email"]


async def test_choosing_instalments_on_a_paid_link_creates_no_customer(world: World):
    link = await world.guest_link()
    await world.pay(link)
    assert await refused(world.choose(link)) == "payment_link_paid"
    assert not world.oneclick.created


async def test_a_refusal_by_oneclick_leaves_the_link_open(world: World):
    link = await world.guest_link()
    world.oneclick.before = refuse(Kind.INVALID, "invalid_argument")
    assert await refused(world.choose(link, key="k1")) == "invalid_argument"
    assert await refused(world.choose(link, key="k1")) == "invalid_argument"
    assert not world.instalments.books
    await world.pay(link)


async def test_a_oneclick_outage_is_retried_and_abandoned_after_the_limit(world: World):
    link = await world.guest_link()
    world.oneclick.before = once(NO_ANSWER)
    assert not (await world.choose(link)).HasField("plan_url")
    await world.work()
    assert (await world.page(link)).payment.HasField("plan_url")
    later = await world.guest_link(order_reference="A-1002")
    world.oneclick.before = NO_ANSWER
    await world.choose(later)
    await world.age_tries(ABANDON_AFTER + timedelta(minutes=1))
    await world.work()
    assert (await world.get(later)).state == Link.STATE_CREATED


async def test_a_link_with_too_many_plan_attempts_creates_no_customer(world: World):
    link = await world.guest_link()
    await world.rows(
        "INSERT INTO link_payments (merchant_id, id, link_id, reusable, state, method, amount_minor,"
        " currency, created_at, brand, last4) SELECT $1, 'lpy_' || n, $2, false, 'cancelled',"
        " 'instalments', 12900, 'EUR', now(), '', '' FROM generate_series(1, $3) AS n",
        world.merchant_id,
        link.id,
        paying.MOST_PLANS,
    )
    assert await refused(world.choose(link)) == "too_many_plans"
    assert not world.oneclick.created
    await world.pay(link)


async def test_the_payers_name_is_deleted_once_oneclick_answers(world: World):
    link = await world.guest_link()
    world.oneclick.before = once(NO_ANSWER)
    await world.choose(link)
    names = "SELECT payer_name FROM link_payments WHERE link_id = $1"
    assert [row["payer_name"] for row in await world.rows(names, link.id)] == ["Anna Neri"]
    await world.work()
    assert [row["payer_name"] for row in await world.rows(names, link.id)] == [None]
    given_up = await world.guest_link(order_reference="A-1002")
    world.oneclick.before = refuse(Kind.INVALID, "invalid_argument")
    await refused(world.choose(given_up))
    assert [row["payer_name"] for row in await world.rows(names, given_up.id)] == [None]


async def test_erasing_a_guest_removes_it_from_its_links_attempts_and_events(world: World):
    recipient = pb.Recipient(name="Anna Neri", email="Anna@example.com")
    link = await world.guest_link(recipient=recipient, channels=[pb.CHANNEL_EMAIL])
    office = await world.guest_link(
        order_reference="A-1002", recipient=pb.Recipient(email="office@example.com")
    )
    await world.choose(link)
    await world.choose(office)
    for customer_id in ("cus_1", "cus_2"):
        await erase(world, customer_id)
    assert not (await world.get(link)).recipient.email
    assert (await world.get(office)).recipient.email == "office@example.com"
    for one in (link, office):
        (tried,) = await world.tries(one)
        assert not tried.payer_email
        rows = await world.rows("SELECT body FROM outbox WHERE aggregate_id = $1", one.id)
        assert not [row for row in rows if b"anna" in row["body"].lower()]


async def test_the_attempt_of_a_guest_erased_before_becoming_a_customer_is_cancelled(world: World):
    link = await world.guest_link()
    world.oneclick.before = once(NO_ANSWER)
    await world.choose(link)
    await world.rows(
        "UPDATE link_payments SET payer_email = NULL, payer_name = NULL WHERE link_id = $1", link.id
    )
    await world.work()
    (tried,) = await world.tries(link)
    assert tried.state == Try.STATE_CANCELLED
    assert not world.oneclick.created
