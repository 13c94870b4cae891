"""Every way in which payments says no. A decline is not one of them: it is a payment's state."""

from libs.errors import Kind, Refusal


class PaymentNotFound(Refusal, kind=Kind.NOT_FOUND, reason="payment_not_found"):
    message = "There is no payment with this id."


class PspAccountNotFound(Refusal, kind=Kind.NOT_FOUND, reason="psp_account_not_found"):
    message = "There is no PSP account of this name; GET /v1/psp-accounts lists them."


class NoPspAccount(Refusal, kind=Kind.CONFLICT, reason="no_psp_account"):
    message = (
        "No PSP account can charge this instrument: the routing rule that fits names none of the"
        " accounts that hold a token of it."
    )


class OrderAlreadyPaid(Refusal, kind=Kind.CONFLICT, reason="order_already_paid"):
    """`payment_state` is the payment's state as it was seen; under way, it may still fail."""

    message = "The order has a payment already, and the merchant's policy refuses a second one."

    def __init__(self, payment_id: str, payment_state: str) -> None:
        super().__init__(
            f"The order has a payment already: {payment_id} is {payment_state}. Cancel or refund"
            " it to charge the order again, or charge another order_reference; PUT"
            " /v1/payment-policy is for shops whose references repeat.",
            facts={"payment_id": payment_id, "payment_state": payment_state},
        )


class TooManyDeclines(Refusal, kind=Kind.CONFLICT, reason="too_many_declines"):
    """A certain no, not one of a rate: callers end the try. `subject` is a kind of velocity.py."""

    message = "Too many cards were declined lately."

    def __init__(self, subject: str) -> None:
        super().__init__(
            f"Too many cards were declined lately by the same {subject.replace('_', ' ')}. Nothing"
            " was charged; other cards are taken again after some hours. Saved cards of other"
            " customers and other ways of paying are not concerned.",
            facts={"subject": subject},
        )


class PaymentNotCapturable(Refusal, kind=Kind.CONFLICT, reason="payment_not_capturable"):
    message = (
        "Only an authorised payment whose capture is not under way can be captured or lowered."
    )


class CaptureTooLarge(Refusal, kind=Kind.UNPROCESSABLE, reason="capture_too_large"):
    message = "The amount is above what can be captured (capturable_minor)."


class PaymentNotCancellable(Refusal, kind=Kind.CONFLICT, reason="payment_not_cancellable"):
    message = (
        "Only a payment in state authorised or requires_action, whose capture is not under way,"
        " can be cancelled; refund a captured one."
    )


class PaymentNotRefundable(Refusal, kind=Kind.CONFLICT, reason="payment_not_refundable"):
    message = "Only a captured or partially refunded payment can be refunded."


class RefundTooLarge(Refusal, kind=Kind.UNPROCESSABLE, reason="refund_too_large"):
    message = "The amount is above what is left to give back, refunds under way included."


class TooManyRefunds(Refusal, kind=Kind.CONFLICT, reason="too_many_refunds"):
    message = "The payment has 100 refunds already; give the rest back at the PSP."


class PaymentDisputed(Refusal, kind=Kind.CONFLICT, reason="payment_disputed"):
    message = (
        "A dispute is open: a refund now could pay the shopper twice. Wait until it is closed."
    )


class AttemptNotFound(Refusal, kind=Kind.NOT_FOUND, reason="attempt_not_found"):
    message = "The merchant has no attempt of this id."


class AttemptNotUnresolved(Refusal, kind=Kind.CONFLICT, reason="attempt_not_unresolved"):
    message = (
        "Only an attempt whose outcome is unknown after a day of asking can be settled by hand;"
        " ListUnresolvedAttempts lists them."
    )


class AttemptSettledOtherwise(Refusal, kind=Kind.CONFLICT, reason="attempt_settled_otherwise"):
    message = "An operator said the opposite of this attempt before."


class CurrencyMismatch(Refusal, kind=Kind.UNPROCESSABLE, reason="currency_mismatch"):
    message = "The amount has another currency than the payment."


class InstrumentRefused(Refusal, kind=Kind.UNPROCESSABLE, reason="instrument_refused"):
    message = "The PSP refused the instrument; ask the shopper for another one."


class PspUnavailable(Refusal, kind=Kind.UNAVAILABLE, reason="psp_unavailable"):
    message = "The PSP gave no usable answer; repeat the request with the same key."


class WebhookSignatureInvalid(
    Refusal, kind=Kind.UNAUTHENTICATED, reason="webhook_signature_invalid"
):
    message = "The webhook was not signed with this account's secret, or is too old."


class ChargeNotKnownYet(Refusal, kind=Kind.UNAVAILABLE, reason="charge_not_known_yet"):
    """The PSP sends it again; by then recovery knows the charge's reference, or that there is none."""

    message = "The webhook may be about a charge whose answer has not come yet; send it again."


class WebhookMalformed(Refusal, kind=Kind.INVALID, reason="webhook_malformed"):
    message = "The webhook is signed but cannot be read."


class PspUnknown(Refusal, kind=Kind.INVALID, reason="psp_unknown"):
    message = "There is no connector for this PSP."


class PspAccountExists(Refusal, kind=Kind.CONFLICT, reason="psp_account_exists"):
    message = "The merchant has a PSP account of this name."


class CredentialsMissing(Refusal, kind=Kind.CONFLICT, reason="credentials_missing"):
    message = "This process was given no readable file of credentials of this name."
