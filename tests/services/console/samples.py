"""What the services behind the console answer in its tests: a shop with a month of sales."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from incasso.common.v1 import money_pb2
from incasso.merchants.v1 import audit_pb2, members_pb2, sessions_pb2
from incasso.notify.v1 import messages_pb2
from incasso.oneclick.v1 import oneclick_pb2
from incasso.paylink.v1 import paylink_pb2
from incasso.payments.v1 import payments_pb2
from incasso.reporting.v1 import (
    ledger_pb2,
    reconciliation_pb2,
)
from libs.errors import Kind, RemoteRefusal

PAYMENT_ID = "pay_06f2kz0d1x8q5v7m3n4b6c9a2e"
LINK_ID = "lnk_06f2kz0d1x8q5v7m3n4b6c9a2e"
EXCEPTION_ID = "exc_06f2kz0d1x8q5v7m3n4b6c9a2e"
MEMBER_ID = "mem_06f2kz0d1x8q5v7m3n4b6c9a2e"
SESSION_ID = "ses_06f2kz0d1x8q5v7m3n4b6c9a2e"
KEY_ID = "key_06f2kz0d1x8q5v7m3n4b6c9a2e"
ENDPOINT_ID = "whe_06f2kz0d1x8q5v7m3n4b6c9a2e"
DELIVERY_ID = "whd_06f2kz0d1x8q5v7m3n4b6c9a2e"
TERMS_ID = "trm_06f2kz0d1x8q5v7m3n4b6c9a2e"
COURIER_ID = "cou_06f2kz0d1x8q5v7m3n4b6c9a2e"
PRODUCT_ID = "prd_06f2kz0d1x8q5v7m3n4b6c9a2e"
CART_ID = "crt_06f2kz0d1x8q5v7m3n4b6c9a2e"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
MERCHANT_ID = "mer_06f2kz0d1x8q5v7m3n4b6c9a2e"
PATHS = {
    "payment_id": PAYMENT_ID,
    "link_id": LINK_ID,
    "exception_id": EXCEPTION_ID,
    "member_id": MEMBER_ID,
    "session_id": SESSION_ID,
    "key_id": KEY_ID,
    "endpoint_id": ENDPOINT_ID,
    "delivery_id": DELIVERY_ID,
    "place": "1",
    "terms_id": TERMS_ID,
    "courier_id": COURIER_ID,
    "cart_id": CART_ID,
    "product_id": PRODUCT_ID,
    "picture_id": "0123456789abcdef01234567",
}
ROLE = sessions_pb2.Role


def stamp(at: datetime | None = None) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(at or datetime.now(UTC))
    return found


def money(amount_minor: int) -> money_pb2.Money:
    return money_pb2.Money(amount_minor=amount_minor, currency="EUR")


def session(*, proved: timedelta = timedelta()) -> sessions_pb2.Session:
    return sessions_pb2.Session(
        id=SESSION_ID,
        device="Firefox on Linux",
        address="198.51.100.7",
        created_at=stamp(),
        last_seen_at=stamp(),
        reauthenticated_at=stamp(datetime.now(UTC) - proved),
        current=True,
        merchant_id=MERCHANT_ID,
    )


PERSON = sessions_pb2.Person(id="per_1", email="anna@bottega.example", name="Anna Bianchi")
MEMBERSHIP = sessions_pb2.Membership(
    merchant_id=MERCHANT_ID,
    merchant_name="Bottega Verdi",
    member_id=MEMBER_ID,
    role=sessions_pb2.ROLE_OWNER,
    test=True,
)


def authenticated(
    scopes: Iterable[str],
    *,
    proved: timedelta = timedelta(),
    new_token: str = "",
    chosen: bool = True,
) -> Any:
    """A function that answers with a session for one token, and refuses any other."""

    def answer(request: sessions_pb2.AuthenticateSessionRequest) -> Any:
        if request.token != "a-session":
            return RemoteRefusal(Kind.UNAUTHENTICATED, "session_unknown", "Sign in again.")
        return sessions_pb2.AuthenticateSessionResponse(
            session=session(proved=proved),
            person=PERSON,
            membership=MEMBERSHIP if chosen else None,
            scopes=sorted(scopes) if chosen else [],
            new_token=new_token or None,
        )

    return answer


def payment(**more: Any) -> payments_pb2.Payment:
    values = {
        "id": PAYMENT_ID,
        "state": payments_pb2.Payment.STATE_CAPTURED,
        "amount": money(12900),
        "captured_minor": 12900,
        "order_reference": "A-1001",
        "method": "one_click",
        "psp_account": "sandbox-a",
        "psp_reference": "ch_1",
        "trace_id": TRACE,
        "created_at": stamp(),
    }
    return payments_pb2.Payment(**(values | more))


def link(**more: Any) -> paylink_pb2.PaymentLink:
    values = {
        "id": LINK_ID,
        "state": paylink_pb2.PaymentLink.STATE_SENT,
        "url": "https://pay.example/p/3xK9mQ2vT7bN4cR8wZ1pLd",
        "amount": money(4900),
        "amount_due": money(4900),
        "description": "Due tazze",
        "order_reference": "L-77",
        "recipient": paylink_pb2.Recipient(name="Giulia", email="giulia@example.com"),
        "channels": [paylink_pb2.CHANNEL_EMAIL],
        "creditor_reference": "RF18539007547034",
        "trace_id": TRACE,
        "expires_at": stamp(),
        "created_at": stamp(),
        "sent_at": stamp(),
    }
    return paylink_pb2.PaymentLink(**(values | more))


def exception(**more: Any) -> reconciliation_pb2.ReconciliationException:
    values = {
        "id": EXCEPTION_ID,
        "type": reconciliation_pb2.EXCEPTION_TYPE_AMBIGUOUS,
        "state": reconciliation_pb2.ReconciliationException.STATE_OPEN,
        "item_id": "bnk_1",
        "party": "sandbox-a",
        "currency": "EUR",
        "amount_minor": 9900,
        "expected_minor": 9950,
        "suggestions": ["pyo_1", "pyo_2"],
        "order_reference": "A-1001",
        "payment_id": PAYMENT_ID,
        "trace_id": TRACE,
        "happened_on": "2026-11-20",
        "created_at": stamp(),
    }
    return reconciliation_pb2.ReconciliationException(**(values | more))


def member(**more: Any) -> members_pb2.Member:
    values = {
        "id": MEMBER_ID,
        "state": members_pb2.Member.STATE_ACTIVE,
        "role": sessions_pb2.ROLE_OWNER,
        "email": "anna@bottega.example",
        "name": "Anna Bianchi",
        "joined_at": stamp(),
        "created_at": stamp(),
    }
    return members_pb2.Member(**(values | more))


def entry() -> ledger_pb2.JournalEntry:
    lines = [
        ledger_pb2.JournalLine(account="psp_receivable", party="sandbox-a", debit_minor=12900),
        ledger_pb2.JournalLine(account="sales", credit_minor=12900),
    ]
    return ledger_pb2.JournalEntry(
        id="jrn_1",
        kind="payment_captured",
        booked_on="2026-11-27",
        currency="EUR",
        lines=lines,
        recorded_at=stamp(),
        trace_id=TRACE,
    )


def message() -> messages_pb2.Message:
    return messages_pb2.Message(
        id="msg_1",
        state=messages_pb2.Message.STATE_DELIVERED,
        kind=messages_pb2.Message.KIND_RECEIPT,
        channel=messages_pb2.Message.CHANNEL_EMAIL,
        recipient="giulia@example.com",
        payment_id=PAYMENT_ID,
        sent_at=stamp(),
        delivered_at=stamp(),
        created_at=stamp(),
    )


def trail() -> list[reconciliation_pb2.TrailStep]:
    step = reconciliation_pb2.TrailStep
    known = {"currency": "EUR", "party": "sandbox-a"}
    return [
        step(
            kind=step.KIND_PSP_LINE,
            id="stl_1",
            follows_id="jrn_1",
            happened_on="2026-11-27",
            amount_minor=12900,
            fee_minor=215,
            reference="txn_1",
            import_id="imp_1",
            **known,
        ),
        step(
            kind=step.KIND_PAYOUT,
            id="pyo_1",
            follows_id="stl_1",
            happened_on="2026-11-29",
            amount_minor=812345,
            reference="po_1",
            **known,
        ),
        step(
            kind=step.KIND_BANK_LINE,
            id="bln_1",
            follows_id="pyo_1",
            happened_on="2026-11-30",
            amount_minor=812345,
            currency="EUR",
            import_id="imp_2",
        ),
        step(
            kind=step.KIND_EXCEPTION,
            id=EXCEPTION_ID,
            follows_id="stl_1",
            happened_on="2026-12-07",
            amount_minor=215,
            exception_type=reconciliation_pb2.EXCEPTION_TYPE_FEE_DIFFERS,
            open=True,
            **known,
        ),
    ]


def consent() -> oneclick_pb2.OneClickConsent:
    return oneclick_pb2.OneClickConsent(
        text_version="2026-09",
        accepted_at=stamp(),
        created_at=stamp(),
        sca_reference="sca_77",
        charged_at=stamp(),
        in_session=True,
    )


def audited() -> audit_pb2.AuditEntry:
    return audit_pb2.AuditEntry(
        id="aud_1",
        actor=MEMBER_ID,
        action="payments.RefundPayment",
        subject_id=PAYMENT_ID,
        before='{"state":"captured"}',
        after='{"amount":{"amount_minor":1250}}',
        outcome=audit_pb2.AuditEntry.OUTCOME_DONE,
        session_id=SESSION_ID,
        address="198.51.100.7",
        trace_id=TRACE,
        created_at=stamp(),
    )
