"""Actions in the sandbox's console, as the connector reads them from webhooks."""

import time

import pytest

from services.payments.connectors.base import DisputeNotice, OperationNotice
from services.payments.connectors.registry import CONNECTORS
from services.payments.rules.outcomes import Approved, Declined
from services.payments.rules.states import AttemptKind, DisputeState
from tests.services.payments.connectors.orders import a_charge
from tests.services.payments.connectors.test_sandbox_instruments_and_webhooks import register


@pytest.fixture
def connector(sandbox_credentials, session):
    return CONNECTORS["sandbox"](sandbox_credentials, session)


async def done(session, sandbox_url, path, **body):
    async with session.post(f"{sandbox_url}/control/{path}", json=body) as answer:
        assert answer.status in (200, 201), await answer.text()
        return await answer.json()


async def notices_of(connector, hook, count):
    return [connector.parse_webhook(*event, time.time()) for event in await hook.wait_for(count)]


async def test_console_operations_carry_the_charge_and_their_own_reference(
    connector, session, sandbox_url, hook
):
    await register(session, sandbox_url, hook)
    charge = a_charge(capture=False)
    held = await connector.authorise(charge)
    path = f"charges/{held.psp_reference}"
    captured = await done(session, sandbox_url, f"{path}/capture", amount_minor=4000)
    refunded = await done(session, sandbox_url, f"{path}/refund", amount_minor=1000)
    await done(session, sandbox_url, f"refunds/{refunded['operation']['id']}/fail")
    notices = await notices_of(connector, hook, 4)
    by_console = [n for n in notices if n.kind is not AttemptKind.AUTHORISE]
    assert all(isinstance(notice, OperationNotice) for notice in by_console)
    assert {(n.key, n.charge_key, n.psp_reference) for n in by_console} == {
        ("", charge.key, held.psp_reference)
    }
    reported = {
        (n.kind, type(n.outcome)): (n.operation_reference, n.amount_minor) for n in by_console
    }
    refund = (refunded["operation"]["id"], 1000)
    assert reported == {
        (AttemptKind.CAPTURE, Approved): (captured["operation"]["id"], 4000),
        (AttemptKind.REFUND, Approved): refund,
        (AttemptKind.REFUND, Declined): refund,
    }


async def test_a_late_approval_is_reported_under_our_key(connector, session, sandbox_url, hook):
    await register(session, sandbox_url, hook)
    charge = a_charge("tok_declined")
    no = await connector.authorise(charge)
    await done(session, sandbox_url, f"charges/{no.psp_reference}/approve", captured=True)
    _, late = await notices_of(connector, hook, 2)
    approved = Approved(no.psp_reference, 5990, captured=True)
    assert (late.key, late.kind, late.outcome) == (charge.key, AttemptKind.AUTHORISE, approved)


async def test_dispute_notices_can_be_ordered_by_their_time(connector, session, sandbox_url, hook):
    await register(session, sandbox_url, hook)
    charged = await connector.authorise(a_charge())
    dispute = await done(session, sandbox_url, "disputes", charge_id=charged.psp_reference)
    path = f"disputes/{dispute['id']}"
    await done(session, sandbox_url, f"{path}/amount", amount_minor=2000)
    await done(session, sandbox_url, f"{path}/close", outcome="lost")
    await done(session, sandbox_url, f"{path}/appeal")
    await done(session, sandbox_url, f"{path}/close", outcome="won")
    notices = [n for n in await notices_of(connector, hook, 6) if isinstance(n, DisputeNotice)]
    assert [(n.state, n.amount_minor) for n in sorted(notices, key=lambda n: n.told_at)] == [
        (DisputeState.OPEN, 5990),
        (DisputeState.OPEN, 2000),
        (DisputeState.LOST, 2000),
        (DisputeState.OPEN, 2000),
        (DisputeState.WON, 2000),
    ]
