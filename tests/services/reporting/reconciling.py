"""Payments and their lines in reports and statements, for tests of reconciliation."""

from datetime import UTC, datetime

from incasso.payments.v1 import events_pb2
from libs import context, ids
from services.reporting.flows.importing import ImportStatement, import_statement
from services.reporting.rules.exceptions import ExceptionType
from tests.services.reporting.files import stripe_file
from tests.services.reporting.world import captured, dispute, payment

ACCOUNT = "sandbox-a"
DAY = datetime(2026, 4, 7, 10, tzinfo=UTC)
SOON = datetime(2026, 4, 12, 10, tzinfo=UTC)


async def load(world, data: bytes, *, psp_account: str | None = None):
    context.set_current(context.Call(merchant_id=world.merchant_id, actor="key_finance"))

    async def pieces():
        yield data

    cmd = ImportStatement(name=None, source=None, psp_account=psp_account)
    return await import_statement(world.deps, cmd, pieces())


async def report(world, *lines: str):
    return await load(world, stripe_file(*lines), psp_account=ACCOUNT)


async def charge(world, minor: int = 5990, *, order: str = "A-1001", at: datetime = DAY, **more):
    """A captured payment, whose PSP reference is that of its charge."""
    made = payment(minor, psp_reference=ids.new("ch"), order_reference=order, **more)
    await world.book(world.event(captured(made), made.id, at))
    return made


async def run(world):
    return await world.call("RunReconciliation")


async def open_types(world) -> list[str]:
    await run(world)
    answer = await world.call("ListExceptions", state="STATE_OPEN")
    return sorted(type_of(each) for each in answer.data)


def type_of(exception) -> str:
    number = exception.type
    name = exception.DESCRIPTOR.fields_by_name["type"].enum_type.values_by_number[number].name
    return name.removeprefix("EXCEPTION_TYPE_").lower()


async def only(world, kind: ExceptionType):
    await run(world)
    answer = await world.call("ListExceptions", state="STATE_OPEN")
    (found,) = [each for each in answer.data if type_of(each) == kind.value]
    return found


def opened(made, amount_minor: int):
    return events_pb2.DisputeOpened(payment=made, dispute=dispute(made, "open", amount_minor))
