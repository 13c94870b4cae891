"""The lists that `bench.growth` reads: a merchant's payments, links, messages and events."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from libs import pages
from libs.db import Conn
from libs.pages import Page
from libs.rows import Table
from services.notify.messages.rules.domain import State as MessageState
from services.notify.messages.store import messages
from services.notify.messages.store.messages import MessageFilter
from services.notify.webhooks.store import feed
from services.notify.webhooks.store.feed import EventFilter
from services.paylink.rules.states import LinkState
from services.paylink.store import links
from services.payments.rules.states import State
from services.payments.store import payments
from services.payments.store.payments import Filter

MERCHANT: Final = "mer_growth"
LIMIT: Final = 20
FIRST: Final = datetime(2026, 1, 1, tzinfo=UTC)
EVERY: Final = timedelta(seconds=20)
SERVICES: Final = Path(__file__).parents[1] / "services"

Read = Callable[[Conn], Awaitable[Any]]


@dataclass(frozen=True)
class Subject:
    """One table of a service's database. `fill`: SQL with the parameters merchant, number of rows, time of
    the first row and interval between rows. `reads`: by name, each reads one page of a table of that size.
    """

    store: ModuleType
    table: str
    fill: str
    reads: Callable[[int], Mapping[str, Read]]

    @property
    def service(self) -> str:
        return self.store.__name__.split(".")[1]

    @property
    def migrations(self) -> Path:
        return SERVICES / self.service / "migrations"


def _page(prefix: str, *, oldest: bool = False) -> Page:
    """The newest page, or the last one."""
    return Page(LIMIT, f"{prefix}_{LIMIT:026d}" if oldest else f"{prefix}_~")


def _read(table: Table[Any], prefix: str, *, oldest: bool = False, **wanted: Any) -> Read:
    """Reads the list as the gateway would."""
    asked = {pages.condition(name, name): value for name, value in wanted.items()}
    conditions, page = {"merchant_id = {}": MERCHANT, **asked}, _page(prefix, oldest=oldest)
    return lambda conn: pages.fetch(conn, table, page, conditions)


def _times(rows: int) -> Mapping[str, tuple[datetime | None, datetime | None]]:
    end, middle, hour = FIRST + rows * EVERY, FIRST + rows * EVERY / 2, timedelta(hours=1)
    return {"the last hour": (end - hour, None), "an hour halfway": (middle, middle + hour)}


# At any size: 2 % are declined, forty are pending and each customer has ten; one in ten thousand
# has any given last four digits.
_PAYMENTS: Final = """
INSERT INTO payments (merchant_id, id, state, amount_minor, currency, capturable_minor, capture,
    order_reference, method, initiator, customer_id, exemption, candidates, psp_account_id,
    psp_account, psp_reference, created_at, authorised_minor, captured_minor, instrument_id,
    mandate_reference, return_url, description, metadata, trace_id, traceparent, actor,
    next_action_url, brand, last4)
SELECT $1, 'pay_' || lpad(n::text, 26, '0'),
    CASE WHEN n % ($2 / 40) = 5 THEN 'pending' WHEN n % 50 = 7 THEN 'declined' ELSE 'captured' END,
    1000 + n % 7919, 'EUR', 0, 'now', 'A-' || n, 'one_click', 'customer', 'cus_' || n % ($2 / 10), 'none',
    '[]', 'psa_1', 'sandbox-a', 'ch_' || n, $3::timestamptz + n * $4::interval, 1000,
    CASE WHEN n % ($2 / 40) = 5 OR n % 50 = 7 THEN 0 ELSE 1000 END, 'ins_1', '', '', '', '{}', '',
    '', 'key_1', '', 'visa', lpad((n % 10000)::text, 4, '0')
FROM generate_series(1, $2::int) AS n"""


def _payments(rows: int) -> Mapping[str, Read]:
    def read(wanted: Filter, *, oldest: bool = False) -> Read:
        return lambda conn: payments.list_page(conn, MERCHANT, wanted, _page("pay", oldest=oldest))

    return {
        "newest": read(Filter()),
        "last page": read(Filter(), oldest=True),
        "captured": read(Filter(state=State.CAPTURED)),
        "declined": read(Filter(state=State.DECLINED)),
        "pending (rare)": read(Filter(state=State.PENDING)),
        "authorised (none)": read(Filter(state=State.AUTHORISED)),
        "processing (none)": read(Filter(state=State.PROCESSING)),
        "one order": read(Filter(order_reference=f"A-{rows // 2}")),
        "one customer": read(Filter(customer_id="cus_7")),
        "cards of four digits": read(Filter(last4="4242")),
        "one amount": read(Filter(amount_minor=4242, currency="EUR")),
        "four digits and an amount": read(Filter(last4="4242", amount_minor=4242, currency="EUR")),
        **{
            name: read(Filter(created_from=begin, created_to=end))
            for name, (begin, end) in _times(rows).items()
        },
    }


# Half are paid, the others expired; forty are still open.
_LINKS: Final = """
INSERT INTO links (merchant_id, id, state, version, amount_minor, currency, paid_minor,
    description, order_reference, channels, locale, line_items, reusable, uses, methods,
    reminder_days, reminders_stopped, reissue_on_expiry, reissued_by_itself, reissues,
    creditor_reference, origin, metadata, trace_id, expires_in_days, expires_at, issued_at,
    created_at)
SELECT $1, 'lnk_' || lpad(n::text, 26, '0'),
    CASE WHEN n % ($2 / 40) = 5 THEN 'sent' WHEN n % 2 = 0 THEN 'paid' ELSE 'expired' END,
    1, 1000, 'EUR', 0, 'An order', 'A-' || n, '{}', 'it', '[]', false, 0, '{card}', '{}', false,
    false, false, 0, 'RF' || n, 'api', '{}', '', 30, $3::timestamptz + n * $4::interval,
    $3::timestamptz + n * $4::interval, $3::timestamptz + n * $4::interval
FROM generate_series(1, $2::int) AS n"""


def _links(rows: int) -> Mapping[str, Read]:
    read = partial(_read, links.LINKS, "lnk")

    return {
        "newest": read(),
        "last page": read(oldest=True),
        "paid": read(state=LinkState.PAID),
        "sent (rare)": read(state=LinkState.SENT),
        "cancelled (none)": read(state=LinkState.CANCELLED),
        "one order": read(order_reference=f"A-{rows // 2}"),
        **{
            name: read(created_from=begin, created_to=end)
            for name, (begin, end) in _times(rows).items()
        },
    }


# Nearly all are sent; forty failed.
_MESSAGES: Final = """
INSERT INTO messages (merchant_id, id, state, kind, channel, recipient, locale, payment_id,
    payment_link_id, event_id, about, created_at, queued_at)
SELECT $1, 'msg_' || lpad(n::text, 26, '0'),
    CASE WHEN n % ($2 / 40) = 5 THEN 'failed' ELSE 'sent' END, 'receipt', 'email',
    'giulia@example.com', 'it', 'pay_' || n, 'lnk_' || n, 'evt_' || n, '{"amount": {"amount_minor": 1000, "currency": "EUR"}}',
    $3::timestamptz + n * $4::interval, $3::timestamptz + n * $4::interval
FROM generate_series(1, $2::int) AS n"""


def _messages(rows: int) -> Mapping[str, Read]:
    def read(*, oldest: bool = False, **wanted: Any) -> Read:
        names = ("state", "payment_link_id", "payment_id", "created_from", "created_to")
        chosen = MessageFilter(**(dict.fromkeys(names) | wanted))
        return lambda conn: messages.page(conn, MERCHANT, _page("msg", oldest=oldest), chosen)

    return {
        "newest": read(),
        "last page": read(oldest=True),
        "sent": read(state=MessageState.SENT),
        "failed (rare)": read(state=MessageState.FAILED),
        "bounced (none)": read(state=MessageState.BOUNCED),
        "queued (none)": read(state=MessageState.QUEUED),
        "one payment": read(payment_id=f"pay_{rows // 2}"),
        "one link": read(payment_link_id=f"lnk_{rows // 2}"),
        **{
            name: read(created_from=begin, created_to=end)
            for name, (begin, end) in _times(rows).items()
        },
    }


_EVENTS: Final = """
INSERT INTO events (merchant_id, id, type, message, body, traceparent, created_at)
SELECT $1, 'evt_' || lpad(n::text, 26, '0'),
    CASE WHEN n % ($2 / 40) = 5 THEN 'dispute.opened' ELSE 'payment.captured' END,
    'incasso.payments.v1.PaymentCaptured', '', '', $3::timestamptz + n * $4::interval
FROM generate_series(1, $2::int) AS n"""


def _events(rows: int) -> Mapping[str, Read]:
    def read(
        *types: str,
        oldest: bool = False,
        begin: datetime | None = None,
        end: datetime | None = None,
    ) -> Read:
        wanted = EventFilter(types=types, created_from=begin, created_to=end)
        page = _page("evt", oldest=oldest)
        return lambda conn: feed.list_events(conn, MERCHANT, page, wanted)

    return {
        "newest": read(),
        "last page": read(oldest=True),
        "captured": read("payment.captured"),
        "disputes (rare)": read("dispute.opened"),
        "of several types": read("dispute.opened", "dispute.closed", "payment.captured"),
        "refunds (none)": read("payment.refunded"),
        **{name: read(begin=begin, end=end) for name, (begin, end) in _times(rows).items()},
    }


SUBJECTS: Final = (
    Subject(payments, "payments", _PAYMENTS, _payments),
    Subject(links, "links", _LINKS, _links),
    Subject(messages, "messages", _MESSAGES, _messages),
    Subject(feed, "events", _EVENTS, _events),
)
