"""Card testing through links: the velocity subjects sent to payments, and what a closed link shows."""

from libs.errors import Kind
from tests.kit.payments_double import once, refuse
from tests.services.paylink.test_links import refused
from tests.services.paylink.world import Link, World

CLOSED = refuse(Kind.CONFLICT, "too_many_declines", subject="link")


async def subjects(world: World) -> list[list[str]]:
    return [list(one.velocity_subjects) for one in world.payments.calls["CreatePayment"]]


async def test_a_new_card_sends_its_link_and_hashed_ip_as_velocity_subjects(world: World):
    link, shared = await world.link(customer_id="cus_giulia"), await world.link(reusable=True)
    await world.pay(link, ip="203.0.113.7")
    await world.pay(shared, ip="203.0.113.7")
    await world.pay(shared, ip="203.0.113.8")
    await world.pay(shared)
    sent = await subjects(world)
    assert [each[0] for each in sent] == [
        f"link:{link.id}",
        *[f"shared_link:{shared.id}"] * 3,
    ]
    assert sent[0][1].startswith("address:")
    assert sent[0][1] == sent[1][1] != sent[2][1]
    assert sent[3][1:] == []
    assert "203.0.113" not in str(sent)


async def test_a_saved_card_sends_its_customer_and_hashed_ip_as_velocity_subjects(world: World):
    link, another = [await world.link(customer_id="cus_giulia") for _ in range(2)]
    await world.pay(link, instrument_id="ins_good", ip="203.0.113.7")
    await world.pay(another, instrument_id="ins_good")
    (customer, address), without = await subjects(world)
    assert [customer] == without == ["customer:cus_giulia"]
    assert address.startswith("clicking_address:")
    assert "203.0.113" not in address


async def test_a_form_sent_again_from_another_ip_is_the_same_attempt(world: World):
    link = await world.link()
    first = await world.pay(link, key="form-1", ip="203.0.113.7")
    again = await world.pay(link, key="form-1", ip="2001:db8::7")
    assert again.link_payment == first.link_payment


async def test_a_link_closed_to_new_cards_says_so_and_keeps_other_methods(world: World):
    link = await world.link(customer_id="cus_giulia")
    world.payments.before["GetCardField"] = CLOSED
    page = await world.page(link)
    assert page.new_cards_closed
    assert not page.HasField("card_field")
    assert [one.card.instrument_id for one in page.saved_cards] == ["ins_good"]
    assert page.HasField("transfer")
    world.payments.before["GetCardField"] = refuse(Kind.CONFLICT, "no_psp_account")
    assert not (await world.page(link)).new_cards_closed


async def test_a_refused_new_card_leaves_the_link_open_for_a_saved_one(world: World):
    link = await world.link(customer_id="cus_giulia")
    world.payments.before["CreatePayment"] = once(CLOSED)
    assert await refused(world.pay(link)) == "too_many_declines"
    assert (await world.get(link)).state == Link.STATE_CREATED
    await world.pay(link, instrument_id="ins_good")
    assert (await world.get(link)).state == Link.STATE_PAID
