"""Which events merchants may read, and the message of each. Pure.

A type is the last two parts of a subject. What is not here is for our own services only; a test
compares this list with the contracts.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

TEST: Final = "test"  # on request only: no pattern matches it, no replay sends it
TEST_MESSAGE: Final = "incasso.notify.v1.TestEvent"

_MESSAGES: Final = {
    "merchants": {
        "merchant.created": "MerchantCreated",
        "merchant.updated": "MerchantUpdated",
        "merchant.bank_account_change_requested": "BankAccountChangeRequested",
        "merchant.bank_account_change_cancelled": "BankAccountChangeCancelled",
        "merchant.bank_account_changed": "BankAccountChanged",
        "api_key.created": "ApiKeyCreated",
        "api_key.revoked": "ApiKeyRevoked",
    },
    "oneclick": {
        "customer.created": "CustomerCreated",
        "customer.updated": "CustomerUpdated",
        "customer.erased": "CustomerErased",
        "instrument.attached": "InstrumentAttached",
        "instrument.detached": "InstrumentDetached",
        "order.items_removed": "OrderItemsRemoved",
    },
    "payments": {
        "payment.action_required": "PaymentActionRequired",
        "payment.pending": "PaymentPending",
        "payment.authorised": "PaymentAuthorised",
        "payment.captured": "PaymentCaptured",
        "payment.lowered": "PaymentLowered",
        "payment.capture_failed": "PaymentCaptureFailed",
        "payment.declined": "PaymentDeclined",
        "payment.cancelled": "PaymentCancelled",
        "payment.refunded": "PaymentRefunded",
        "payment.refund_failed": "PaymentRefundFailed",
        "payment.duplicate_found": "PaymentDuplicateFound",
        "payment.late_approval": "PaymentLateApproval",
        "payment.late_approval_undone": "PaymentLateApprovalUndone",
        "card_testing.suspected": "CardTestingSuspected",
        "payment.settled_by_hand": "PaymentSettledByHand",
        "dispute.opened": "DisputeOpened",
        "dispute.updated": "DisputeUpdated",
        "dispute.closed": "DisputeClosed",
    },
    "notify": {
        "webhook_endpoint.disabled": "WebhookEndpointDisabled",
        "sms_quota.reached": "SmsQuotaReached",
    },
    "paylink": {
        "payment_link.created": "PaymentLinkCreated",
        "payment_link.sent": "PaymentLinkSent",
        "payment_link.seen": "PaymentLinkSeen",
        "payment_link.quote_accepted": "PaymentLinkQuoteAccepted",
        "payment_link.paying": "PaymentLinkPaying",
        "payment_link.payment_failed": "PaymentLinkPaymentFailed",
        "payment_link.paid": "PaymentLinkPaid",
        "payment_link.expired": "PaymentLinkExpired",
        "payment_link.cancelled": "PaymentLinkCancelled",
        "payment_link.reissued": "PaymentLinkReissued",
        "bank_transfer.recorded": "BankTransferRecorded",
        "bank_transfer.settled": "BankTransferSettled",
        "bank_transfer.given_back": "BankTransferGivenBack",
        "satisfaction.given": "SatisfactionGiven",
        "cart.recovery_sent": "CartRecoverySent",
        "cart.recovered": "CartRecovered",
    },
}

# Subject → full name of the message that its events are.
MESSAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        f"incasso.{service}.{event_type}": f"incasso.{service}.v1.{message}"
        for service, messages in _MESSAGES.items()
        for event_type, message in messages.items()
    }
)


def type_of(subject: str) -> str:
    """`payment.captured` of `incasso.payments.payment.captured`."""
    return ".".join(subject.split(".")[-2:])


TYPES: Final = frozenset(type_of(subject) for subject in MESSAGES)


def wildcard_of(event_type: str) -> str:
    """The pattern that matches all types of the same noun: `payment.*`."""
    return f"{event_type.split('.', maxsplit=1)[0]}.*"


WILDCARDS: Final = frozenset(wildcard_of(event_type) for event_type in TYPES)


def types_matching(pattern: str) -> frozenset[str]:
    """The types that a type or `noun.*` stands for; none when it is neither."""
    return frozenset(t for t in TYPES if pattern in {t, wildcard_of(t)})
