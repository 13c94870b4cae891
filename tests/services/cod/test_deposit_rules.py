"""Either a deposit or a payment for the whole order is kept, and no payment counts for more than its amount."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from libs.money import Money
from libs.payments.links import LinkState
from services.cod.rules import converting, deposits, fees, online_refunds, paying_online
from services.cod.rules import order_links as links
from services.cod.rules.deposits import DepositState
from services.cod.rules.fees import Deposit
from services.cod.rules.orders import Order
from services.cod.rules.states import CHANGEABLE, GONE, OrderState
from tests.services.cod.given import NOW, an_order

MINOR = st.integers(min_value=1, max_value=100_000)


def ordered(price: int, deposit: int, fee: int = 0, **more) -> Order:
    return an_order(
        to_collect_minor=price + fee - deposit,
        fee_minor=fee,
        amount=Money(price, "EUR"),
        deposit_minor=deposit,
        **more,
    )


@given(
    price=MINOR,
    fee=st.integers(0, 1_000),
    deposit=MINOR,
    deposit_first=st.booleans(),
    state=st.sampled_from([*CHANGEABLE, OrderState.CANCELLED]),
)
def test_of_two_that_take_the_same_part_one_is_kept(price, fee, deposit, deposit_first, state):
    assume(deposit < price)
    order, made = ordered(price, deposit, fee), []
    for asked in (deposits.asked(order), converting.asked(order)):
        order, link = links.requested(order, asked, NOW)
        made.append(replace(link, state=LinkState.PAID, paid_minor=link.amount.amount_minor))
    order = replace(order, state=state)
    for link in made if deposit_first else made[::-1]:
        order = paying_online.paid(order, link, NOW)
    backs = [online_refunds.target_minor(order, link) for link in made]
    kept = order.paid_online_minor - sum(backs)
    if state in GONE:
        assert kept == 0
    elif deposit_first:
        assert (kept, backs) == (deposit, [0, price])
    else:
        assert (kept, backs) == (price, [deposit, 0])


@given(held=MINOR, total=MINOR, asked=st.none() | MINOR, share=st.integers(0, 10_000))
def test_a_paid_deposit_never_grows_and_never_exceeds_the_order(held, total, asked, share):
    paid = {"kept_deposit": 1, "deposit_paid_minor": held, "paid_online_minor": held}
    order = ordered(held + 1, held, deposit_asked_minor=asked, **paid)
    wanted = deposits.asked_after_change(order, total)
    rule = Deposit(basis_points=share) if wanted is None else Deposit(fixed_minor=wanted)
    becomes = fees.deposit_of(rule, total)
    assert becomes <= min(held, total)
    after = replace(order, deposit_minor=becomes)
    assert deposits.surplus_minor(after) + deposits.kept_minor(after) == held


def test_the_state_of_a_deposit_follows_from_its_order():
    assert deposits.shown(an_order()) is None
    for state in OrderState:
        unpaid = deposits.shown(ordered(50_00, 10_00, state=state))
        due = state in CHANGEABLE
        assert unpaid is not None
        assert unpaid.state is (DepositState.DUE if due else DepositState.CANCELLED)
        paid = {"kept_deposit": 1, "deposit_paid_minor": 10_00, "deposit_paid_at": NOW}
        for back_minor in (0, 10_00):
            found = deposits.shown(
                ordered(50_00, 10_00, state=state, deposit_refunded_minor=back_minor, **paid)
            )
            assert found is not None
            gone = DepositState.REFUNDED if back_minor else DepositState.REFUNDING
            assert found.state is (gone if state in GONE else DepositState.PAID)
