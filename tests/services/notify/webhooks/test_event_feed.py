import pytest

from incasso.oneclick.v1 import events_pb2 as oneclick_events
from incasso.oneclick.v1 import oneclick_pb2
from incasso.paylink.v1 import events_pb2 as link_events
from incasso.paylink.v1 import paylink_pb2
from libs import descriptors, public_events
from libs.errors import Kind, RemoteRefusal
from libs.wire import timestamp
from services.notify.webhooks import events, worker
from services.notify.webhooks.flows import feed
from tests.services.notify.webhooks.hooks import TRACEPARENT, Hooks


async def refusal(work) -> tuple[Kind, str]:
    with pytest.raises(RemoteRefusal) as caught:
        await work
    return caught.value.kind, caught.value.reason


async def listed(hooks: Hooks, **fields) -> list[str]:
    return [event.id for event in (await hooks.call("ListEvents", **fields)).data]


async def test_an_event_is_returned_with_its_type_trace_and_message(hooks: Hooks):
    event_id = await hooks.happen()
    event = (await hooks.call("GetEvent", event_id=event_id)).event
    assert (event.id, event.type) == (event_id, "payment.captured")
    assert event.trace_id == TRACEPARENT.split("-")[1]
    assert event.data.TypeName() == "incasso.payments.v1.PaymentCaptured"


async def test_a_repeated_event_changes_nothing(hooks: Hooks):
    endpoint = await hooks.endpoint()
    event_id = await hooks.happen()
    await hooks.happen(event_id=event_id)
    assert len(await hooks.deliveries(endpoint)) == 1
    assert await listed(hooks) == [event_id]


async def test_every_public_event_has_a_handler(hooks: Hooks):
    assert set(worker.handlers(hooks.deps)) == set(public_events.MESSAGES)


async def test_endpoints_get_only_the_event_types_they_subscribe_to(hooks: Hooks):
    everything = await hooks.endpoint("/all")
    exact = await hooks.endpoint("/exact", event_types=["payment.captured"])
    noun = await hooks.endpoint("/noun", event_types=["payment.*"])
    others = await hooks.endpoint("/others", event_types=["payment_link.*", "customer.*"])
    await hooks.happen()
    body = oneclick_events.CustomerErased(customer_id="cus_1").SerializeToString()
    await hooks.happen("incasso.oneclick.customer.erased", body)
    counts = [len(await hooks.deliveries(one)) for one in (everything, exact, noun, others)]
    assert counts == [2, 1, 1, 1]


async def test_events_are_listed_newest_first_by_type_and_time(hooks: Hooks):
    first = await hooks.happen()
    body = oneclick_events.CustomerErased(customer_id="cus_1").SerializeToString()
    erased = await hooks.happen("incasso.oneclick.customer.erased", body)
    last = await hooks.happen()
    assert await listed(hooks) == [last, erased, first]
    assert await listed(hooks, type="customer.erased") == [erased]
    assert await listed(hooks, type="payment.*") == [last, first]
    page = await hooks.call("ListEvents", limit=2)
    assert await listed(hooks, cursor=page.next_cursor) == [first]
    at = (await hooks.call("GetEvent", event_id=erased)).event.created_at
    assert await listed(hooks, created_from=at) == [last, erased]
    assert await listed(hooks, created_to=at) == [first]
    assert await listed(hooks, type="test") == []


async def test_an_unknown_type_filter_is_refused_by_field(hooks: Hooks):
    with pytest.raises(RemoteRefusal) as caught:
        await hooks.call("ListEvents", type="payment.exploded")
    assert caught.value.reason == "invalid_argument"
    assert [violation.field for violation in caught.value.violations] == ["type"]


async def test_an_unknown_event_and_an_invalid_cursor_are_refused(hooks: Hooks):
    asked = hooks.call("GetEvent", event_id="evt_nothing")
    assert await refusal(asked) == (Kind.NOT_FOUND, "event_not_found")
    asked = hooks.call("ListEvents", cursor="nonsense")
    assert await refusal(asked) == (Kind.INVALID, "cursor_invalid")


async def test_an_event_dated_by_a_test_clock_keeps_its_time(hooks: Hooks):
    event_id = await hooks.happen()
    await hooks.sql("UPDATE events SET created_at = created_at + interval '1 year'")
    event = (await hooks.call("GetEvent", event_id=event_id)).event
    assert event.created_at.seconds > timestamp(hooks.time()).seconds
    await hooks.endpoint()
    await hooks.happen()
    assert await hooks.send() == 1, "webhooks are carried by the world's clock"


async def test_erasing_a_customer_removes_personal_data_from_its_events(hooks: Hooks):
    customer = oneclick_pb2.Customer(
        id="cus_1", email="giulia@example.com", name="Giulia", phone="+393331234567"
    )
    body = oneclick_events.CustomerCreated(customer=customer).SerializeToString()
    created = await hooks.happen("incasso.oneclick.customer.created", body)
    link = paylink_pb2.PaymentLink(
        id="lnk_1",
        customer_id="cus_1",
        description="Occhiali",
        recipient=paylink_pb2.Recipient(email="giulia@example.com"),
    )
    payment = paylink_pb2.LinkPayment(payer_email="giulia@example.com")
    payload = link_events.PaymentLinkPaid(payment_link=link, link_payment=payment)
    paid = await hooks.happen("incasso.paylink.payment_link.paid", payload.SerializeToString())
    link.customer_id = "cus_2"
    other = await hooks.happen(
        "incasso.paylink.payment_link.paid",
        link_events.PaymentLinkPaid(payment_link=link).SerializeToString(),
    )
    async with hooks.deps.db.transaction() as conn:
        await feed.forget_customer(conn, hooks.merchant_id, "cus_1")

    async def shown(event_id: str) -> str:
        return str((await hooks.call("GetEvent", event_id=event_id)).event.data.value)

    for event_id, stays in ((created, "cus_1"), (paid, "Occhiali")):
        seen = await shown(event_id)
        assert stays in seen
        assert "iulia" not in seen
        assert "333" not in seen
    assert "giulia@example.com" in await shown(other)


@pytest.mark.parametrize("name", events.PERSONAL)
def test_erased_fields_exist_in_the_contracts(name: str):
    assert set(events.PERSONAL[name]) <= set(descriptors.message(name).fields_by_name)
