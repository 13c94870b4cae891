"""A repeat gets the first call's answer, even if the data that the first call used has changed since."""

from incasso.payments.v1.payments_pb2 import Payment
from tests.services.paylink.test_plans import refused
from tests.services.paylink.world import World


async def test_a_repeated_creation_returns_the_link_after_its_customer_was_erased(world: World):
    made = await world.link(customer_id="cus_giulia", key="k1")
    world.oneclick.erased.add("cus_giulia")
    assert await world.link(customer_id="cus_giulia", key="k1") == made
    assert await refused(world.link(customer_id="cus_giulia", key="k2")) == "customer_erased"


async def test_a_repeated_payment_returns_the_attempt_after_its_card_was_removed(world: World):
    link = await world.link(customer_id="cus_giulia")
    paid = (await world.pay(link, key="k1", instrument_id="ins_good")).link_payment
    world.oneclick.good.clear()
    again = await world.pay(link, key="k1", instrument_id="ins_good")
    assert again.link_payment == paid
    world.oneclick.down = True
    again = await world.pay(link, key="k1", instrument_id="ins_good")
    assert again.link_payment == paid
    assert len(world.payments.books) == 1


async def test_a_repeated_form_does_not_cancel_its_own_challenge(world: World):
    """Only another form does, once the challenge has not been passed for half an hour."""
    link = await world.link()
    world.payments.state = Payment.STATE_REQUIRES_ACTION
    begun = (await world.pay(link, key="k1")).link_payment
    await world.advance(hours=1)
    assert (await world.pay(link, key="k1")).link_payment == begun
    (payment,) = world.payments.books.values()
    assert payment.state == Payment.STATE_REQUIRES_ACTION
