"""A customer is erased: everything that names the person goes, and all records of the money stay."""

from typing import Any

import pytest

from incasso.instalments.v1 import plans_pb2
from incasso.oneclick.v1 import events_pb2
from libs import ids
from libs.bus import Event
from libs.clock import Clock
from libs.errors import RemoteRefusal
from tests.services.instalments.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")
SUBJECT = "incasso.oneclick.customer.erased"
TRACES = (b"giulia", b"203.0.113.7", b"shop.example")


async def erase(world: World, customer_id: str = "cus_giulia") -> None:
    event = Event(
        event_id=ids.new("evt"),
        merchant_id=world.merchant_id,
        aggregate_id=customer_id,
        subject=SUBJECT,
        body=events_pb2.CustomerErased(customer_id=customer_id).SerializeToString(),
        traceparent="",
        occurred_at=Clock().now(),
    )
    await world.deliver(event)


async def signed(world: World) -> plans_pb2.InstalmentPlan:
    """A signed plan with all personal data that a plan may have."""
    await world.creditor()
    plan = await world.plan(metadata={"to": "Giulia"}, return_url="https://shop.example/thanks")
    fields = {
        "plan_id": plan.id,
        "instrument_id": "ins_good",
        "agreement_sha256": await world.documents(plan.id),
        "ip": "203.0.113.7",
    }
    return (await world.call("SignInstalmentPlan", key="sign", **fields)).plan


async def kept(world: World) -> bytes:
    """Everything about the merchant in the tables."""
    found = b""
    async with world.deps.db.connection() as conn:
        for table in ("plans", "documents", "collections", "outbox", "idempotency_keys"):
            rows = await conn.fetch(
                f"SELECT * FROM {table} WHERE merchant_id = $1", world.merchant_id
            )
            found += b"".join(as_bytes(value) for row in rows for value in row.values())
    return found.lower().replace(b"cus_giulia", b"")


def as_bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else repr(value).encode()


async def test_erasure_removes_the_customers_personal_data(world: World):
    await signed(world)
    before = await kept(world)
    assert all(trace in before for trace in TRACES)
    for _ in range(2):
        await erase(world)
        after = await kept(world)
        assert [trace for trace in TRACES if trace in after] == []


async def test_erasure_keeps_the_financial_records(world: World):
    before = await signed(world)
    await erase(world)
    after = await world.get(before.id)
    assert (after.state, after.paid_minor, after.outstanding_minor) == (before.state, 53_33, 106_67)
    assert after.acceptance.agreement_sha256 == before.acceptance.agreement_sha256
    assert after.offer == before.offer
    assert not after.acceptance.HasField("ip")


async def test_an_erased_document_is_not_generated_again(world: World):
    plan = await signed(world)
    await erase(world)
    asked = world.call("GetInstalmentDocument", plan_id=plan.id, kind="KIND_AGREEMENT")
    with pytest.raises(RemoteRefusal) as refused:
        await asked
    assert refused.value.reason == "plan_closed"


async def test_erasing_another_customer_leaves_the_plan_unchanged(world: World):
    before = await signed(world)
    await erase(world, "cus_other")
    assert await world.get(before.id) == before
