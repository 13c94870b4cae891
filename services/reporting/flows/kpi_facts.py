"""Records facts for KPIs, for any merchants and idempotently, in their inbox transaction."""

from collections.abc import Sequence

from libs.bus import Event
from libs.db import Conn
from services.reporting import kpi_events
from services.reporting.flows import ingesting, surveys
from services.reporting.flows.ingesting import ZoneOf
from services.reporting.rules import kpi_facts as rules
from services.reporting.rules.kpi_facts import (
    CartPaid,
    CartSent,
    CustomerErased,
    KpiFact,
    OrderDeclined,
    OrderPaid,
    StepReached,
)
from services.reporting.rules.surveys import SurveyAnswer
from services.reporting.store import kpi_facts as store


async def keep(conn: Conn, events: Sequence[Event], zone_of: ZoneOf) -> None:
    """Passes on the errors of `zone_of`, so that the events are redelivered."""
    counted = [event for event in events if event.subject in kpi_events.SUBJECTS]
    if not counted:
        return
    known = await ingesting.zones_of(conn, {event.merchant_id for event in counted}, zone_of)
    facts = [
        fact for event in counted for fact in kpi_events.facts_of(event, known[event.merchant_id])
    ]
    await record(conn, facts)
    if rated := [fact for fact in facts if isinstance(fact, SurveyAnswer)]:
        await surveys.keep(conn, rated, zone_of)


async def record(conn: Conn, facts: Sequence[KpiFact]) -> None:
    """Erasures come first: they take the lock exclusively, and a batch with both must not request
    that while it holds the shared lock.
    """
    if erased := [fact for fact in facts if isinstance(fact, CustomerErased)]:
        await store.erase(conn, erased)
    if paid := rules.unrepeated(fact for fact in facts if isinstance(fact, OrderPaid)):
        await store.pay(conn, paid)
    if declined := [fact for fact in facts if isinstance(fact, OrderDeclined)]:
        await store.decline(conn, declined)
    if reached := rules.furthest(fact for fact in facts if isinstance(fact, StepReached)):
        await store.move(conn, reached)
    if sent := [fact for fact in facts if isinstance(fact, CartSent)]:
        await store.send_carts(conn, sent)
    if recovered := [fact for fact in facts if isinstance(fact, CartPaid)]:
        await store.pay_carts(conn, recovered)
