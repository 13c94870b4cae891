"""Rules of abandoned carts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from libs.errors import InvalidArgument
from libs.money import Money
from services.paylink.errors import CartClosed
from services.paylink.rules import carts
from services.paylink.rules.carts import Cart, CartContents, CartEvent, CartState
from services.paylink.rules.domain import Channel, LineItem, Recipient
from services.paylink.rules.states import LinkState

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
GIULIA = Recipient(name="Giulia", email="giulia@example.com", phone="+393331234567")
CONTENTS = CartContents(
    recipient=GIULIA,
    line_items=(LineItem("Scarpe da corsa", 1, 12900),),
    amount=Money(12900, "EUR"),
    locale="it",
    recover_at=NOW + timedelta(hours=1),
    metadata={},
)
CART = Cart("crt_1", "mer_1", CartState.OPEN, "cart-77", CONTENTS, None, NOW)

ALLOWED = {
    (CartState.OPEN, CartEvent.RECOVER): CartState.RECOVERING,
    (CartState.OPEN, CartEvent.COMPLETE): CartState.COMPLETED,
    (CartState.RECOVERING, CartEvent.COMPLETE): CartState.COMPLETED,
    (CartState.RECOVERING, CartEvent.PAY): CartState.RECOVERED,
    (CartState.RECOVERING, CartEvent.LOSE): CartState.LOST,
    (CartState.LOST, CartEvent.PAY): CartState.RECOVERED,
}


@pytest.mark.parametrize("event", CartEvent)
@pytest.mark.parametrize("state", CartState)
def test_a_cart_moves_only_as_the_table_says(state: CartState, event: CartEvent):
    cart = replace(CART, state=state)
    if (state, event) in ALLOWED:
        assert carts.moved(cart, event).state is ALLOWED[state, event]
    else:
        with pytest.raises(CartClosed):
            carts.moved(cart, event)


@pytest.mark.parametrize("state", LinkState)
def test_only_a_paid_expired_or_cancelled_link_affects_its_cart(state: LinkState):
    ends = {
        LinkState.PAID: CartEvent.PAY,
        LinkState.EXPIRED: CartEvent.LOSE,
        LinkState.CANCELLED: CartEvent.LOSE,
    }
    assert carts.event_of(state) is ends.get(state)


def test_only_an_open_cart_can_change_its_contents():
    other = replace(CONTENTS, amount=Money(1, "EUR"))
    assert carts.refilled(CART, other) == replace(CART, contents=other)
    for state in set(CartState) - {CartState.OPEN}:
        with pytest.raises(CartClosed):
            carts.refilled(replace(CART, state=state), other)


def test_a_recovering_cart_names_its_link():
    started = carts.recovering(CART, "lnk_1")
    assert (started.state, started.payment_link_id) == (CartState.RECOVERING, "lnk_1")


@pytest.mark.parametrize(
    ("recipient", "channels"),
    [
        (GIULIA, (Channel.EMAIL, Channel.SMS)),
        (replace(GIULIA, phone=None), (Channel.EMAIL,)),
        (replace(GIULIA, email=None), (Channel.SMS,)),
    ],
)
def test_default_channels_are_those_the_recipient_has_email_first(recipient, channels):
    assert carts.default_channels(recipient) == channels


def test_a_cart_without_email_and_phone_is_refused():
    assert carts.reachable(GIULIA) is GIULIA
    with pytest.raises(InvalidArgument) as refused:
        carts.reachable(Recipient(name="Giulia"))
    assert refused.value.violations[0].field == "recipient"


def test_a_recovery_is_due_after_the_given_minutes_or_never():
    assert carts.recover_at(NOW, 60) == NOW + timedelta(hours=1)
    assert carts.recover_at(NOW, None) is None


def test_an_overdue_recovery_is_given_up_after_the_limit():
    due = CONTENTS.recover_at
    assert due is not None
    assert not carts.is_too_late(CART, due)
    assert not carts.is_too_late(CART, due + carts.GIVE_UP_AFTER - timedelta(seconds=1))
    assert carts.is_too_late(CART, due + carts.GIVE_UP_AFTER)
