"""Messages and dataclasses convert both ways without loss; unset and empty fields stay different."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import Enum

import pytest

from incasso.common.v1 import money_pb2
from incasso.oneclick.v1 import oneclick_pb2
from incasso.paylink.v1 import paylink_pb2, shop_pb2
from incasso.payments.v1 import payments_pb2
from libs import wire
from libs.errors import InvalidArgument
from libs.money import Money

NOW = datetime(2027, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


class Channel(Enum):
    EMAIL = "email"
    SMS = "sms"


class State(Enum):
    CREATED = "created"
    SENT = "sent"
    NEVER_SHOWN = "never_shown"


@dataclass(frozen=True)
class Recipient:
    name: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class LineItem:
    name: str
    quantity: int
    unit_amount_minor: int


@dataclass(frozen=True, kw_only=True)
class Link:
    id: str
    state: State
    amount: Money
    deposit: Money | None = None
    recipient: Recipient = Recipient()
    channels: tuple[Channel, ...] = ()
    line_items: Sequence[LineItem] = ()
    max_uses: int | None = None
    reminder_days: tuple[int, ...] = ()
    customer_id: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    sent_at: datetime | None = None
    created_at: datetime
    secret: str = "not in the contract"


LINK = Link(
    id="lnk_1",
    state=State.SENT,
    amount=Money(1999, "EUR"),
    recipient=Recipient(email="giulia@example.com"),
    channels=(Channel.SMS, Channel.EMAIL),
    line_items=(LineItem("Shirt", 1, 1999),),
    max_uses=0,
    reminder_days=(1, 3),
    metadata={"cart": "7"},
    created_at=NOW,
)


@dataclass(frozen=True)
class NewLink:
    description: str
    amount: Money | None
    channels: tuple[Channel, ...]
    currency: str | None
    customer_id: str  # "" if unset
    reusable: bool
    state: State | None = None
    origin: str = "api"


def test_a_dataclass_survives_a_round_trip_through_its_message():
    message = wire.message(paylink_pb2.PaymentLink, LINK)
    assert message == paylink_pb2.PaymentLink(
        id="lnk_1",
        state=paylink_pb2.PaymentLink.STATE_SENT,
        amount={"amount_minor": 1999, "currency": "EUR"},
        recipient={"email": "giulia@example.com"},
        channels=[paylink_pb2.CHANNEL_SMS, paylink_pb2.CHANNEL_EMAIL],
        line_items=[{"name": "Shirt", "quantity": 1, "unit_amount_minor": 1999}],
        max_uses=0,
        reminder_days=[1, 3],
        metadata={"cart": "7"},
        created_at=wire.timestamp(NOW),
    )
    assert wire.read(Link, message) == LINK


def test_given_values_override_fields_of_the_same_name():
    message = wire.message(paylink_pb2.PaymentLink, LINK, customer_id="cus_1", url="https://x")
    assert (message.customer_id, message.url) == ("cus_1", "https://x")
    assert wire.read(Link, message, customer_id=None) == LINK


def test_an_empty_text_of_an_optional_field_is_not_sent():
    message = wire.message(shop_pb2.Shop, Recipient(), title="")
    assert message.HasField("title")  # explicitly given
    assert not wire.message(paylink_pb2.Recipient, Recipient(name="")).HasField("name")


def test_unset_fields_are_none_or_empty_by_their_type():
    request = paylink_pb2.CreatePaymentLinkRequest(description="Shirt")
    assert wire.read(NewLink, request) == NewLink("Shirt", None, (), None, "", reusable=False)


@pytest.mark.parametrize("number", [0, 99])
def test_an_unspecified_or_unknown_state_is_none(number: int):
    request = paylink_pb2.ListPaymentLinksRequest()
    request.state = number

    @dataclass
    class Query:
        state: State | None

    assert wire.read(Query, request) == Query(None)


def test_an_unspecified_channel_is_refused_by_its_index():
    request = paylink_pb2.CreatePaymentLinkRequest(channels=[1, 0])
    with pytest.raises(InvalidArgument) as refused:
        wire.read(NewLink, request)
    assert refused.value.violations[0].field == "channels.1"


def test_a_state_missing_from_the_contract_has_no_number():
    numbers = wire.numbers(State, paylink_pb2.PaymentLink.State)
    assert set(numbers) == {State.CREATED, State.SENT}
    assert wire.members(State, paylink_pb2.PaymentLink.State) == {
        number: state for state, number in numbers.items()
    }


def test_an_optional_field_is_read_as_our_type():
    request = oneclick_pb2.UpdatePolicyRequest(max_charge={"amount_minor": 1, "currency": "EUR"})
    assert wire.opt(request, "max_charge") == Money(1, "EUR")
    assert wire.opt(request, "max_daily") is None
    listed = oneclick_pb2.ListCustomersRequest(created_from=wire.timestamp(NOW), email="")
    assert wire.opt(listed, "created_from") == NOW
    assert wire.opt(listed, "email") == ""


def test_a_date_is_sent_as_iso_text():
    @dataclass(frozen=True)
    class Found:
        currency: date | None  # stands for any text field

    message = wire.message(money_pb2.Money, Found(date(2027, 1, 31)))
    assert message.currency == "2027-01-31"
    assert wire.read(Found, message) == Found(date(2027, 1, 31))
    assert wire.read(Found, money_pb2.Money()) == Found(None)


def test_an_enum_in_a_text_field_is_sent_as_its_value():
    @dataclass(frozen=True)
    class Found:
        id: str
        kind: Channel

    message = wire.message(payments_pb2.UnresolvedAttempt, Found("att_1", Channel.SMS))
    assert (message.id, message.kind) == ("att_1", "sms")
