"""The refusals of payments. A decline is not one of them: it is a state of the payment."""

from libs.errors import Kind, Refusal


class PaymentNotFound(Refusal, kind=Kind.NOT_FOUND, reason="payment_not_found"):
    message = "There is no payment with this id."


class PspAccountNotFound(Refusal, kind=Kind.NOT_FOUND, reason="psp_account_not_found"):
    message = "There is no PSP account with this name; GET /v1/psp-accounts lists them."


class NoPspAccount(Refusal, kind=Kind.CONFLICT, reason="no_psp_account"):
    message = (
        "No PSP account can charge this instrument: the matching routing rule names none of the"
        " accounts that have a token for it."
    )


class OrderAlreadyPaid(Refusal, kind=Kind.CONFLICT, reason="order_already_paid"):
    """`payment_state` is the state at the time; a payment in progress may still fail."""

    message = "The order already has a payment, and the merchant's policy refuses a second one."

    def __init__(self, payment_id: str, payment_state: str) -> None:
        super().__init__(
            f"The order already has a payment: {payment_id} is {payment_state}. Cancel or refund"
            " it to charge the order again, or use another order_reference. If your references"
            " repeat, change the policy with PUT /v1/payment-policy.",
            facts={"payment_id": payment_id, "payment_state": payment_state},
        )


class TooManyDeclines(Refusal, kind=Kind.CONFLICT, reason="too_many_declines"):
    """A certain no, not a rate limit: callers end the attempt. `subject`: a kind in velocity.py."""

    message = "Too many cards have been declined recently."

    def __init__(self, subject: str) -> None:
        super().__init__(
            f"Too many cards have been declined for the same {subject.replace('_', ' ')}. Nothing"
            " was charged; try again in a few hours. Other customers' saved cards and other payment"
            " methods are not affected.",
            facts={"subject": subject},
        )


class PaymentNotCapturable(Refusal, kind=Kind.CONFLICT, reason="payment_not_capturable"):
    message = "Only an authorised payment without a capture in progress can be captured or lowered."


class CaptureTooLarge(Refusal, kind=Kind.UNPROCESSABLE, reason="capture_too_large"):
    message = "The amount exceeds what can be captured (capturable_minor)."


class PaymentNotCancellable(Refusal, kind=Kind.CONFLICT, reason="payment_not_cancellable"):
    message = (
        "Only a payment in state authorised or requires_action, without a capture in progress, can"
        " be cancelled; refund a captured payment instead."
    )


class PaymentNotRefundable(Refusal, kind=Kind.CONFLICT, reason="payment_not_refundable"):
    message = "Only a captured or partially refunded payment can be refunded."


class RefundTooLarge(Refusal, kind=Kind.UNPROCESSABLE, reason="refund_too_large"):
    message = "The amount exceeds what is left to refund, refunds in progress included."


class TooManyRefunds(Refusal, kind=Kind.CONFLICT, reason="too_many_refunds"):
    message = "The payment already has 100 refunds; refund the rest at the PSP."


class PaymentDisputed(Refusal, kind=Kind.CONFLICT, reason="payment_disputed"):
    message = (
        "A dispute is open: a refund now could pay the shopper twice. Wait until it is closed."
    )


class AttemptNotFound(Refusal, kind=Kind.NOT_FOUND, reason="attempt_not_found"):
    message = "The merchant has no attempt with this id."


class AttemptNotUnresolved(Refusal, kind=Kind.CONFLICT, reason="attempt_not_unresolved"):
    message = (
        "Only an attempt whose outcome is still unknown after a day can be settled by hand;"
        " ListUnresolvedAttempts lists them."
    )


class AttemptSettledOtherwise(Refusal, kind=Kind.CONFLICT, reason="attempt_settled_otherwise"):
    message = "An operator has already settled this attempt with the opposite outcome."


class CurrencyMismatch(Refusal, kind=Kind.UNPROCESSABLE, reason="currency_mismatch"):
    message = "The amount is in another currency than the payment."


class InstrumentRefused(Refusal, kind=Kind.UNPROCESSABLE, reason="instrument_refused"):
    message = "The PSP refused the instrument; ask the shopper for another one."


class PspUnavailable(Refusal, kind=Kind.UNAVAILABLE, reason="psp_unavailable"):
    message = "The PSP gave no usable answer; repeat the request with the same key."


class WebhookSignatureInvalid(
    Refusal, kind=Kind.UNAUTHENTICATED, reason="webhook_signature_invalid"
):
    message = "The webhook is not signed with this account's secret, or is too old."


class ChargeNotKnownYet(Refusal, kind=Kind.UNAVAILABLE, reason="charge_not_known_yet"):
    """The PSP resends it; by then recovery knows the charge's reference, or that there is none."""

    message = "The webhook may concern a charge whose answer is still missing; send it again later."


class WebhookMalformed(Refusal, kind=Kind.INVALID, reason="webhook_malformed"):
    message = "The webhook is signed but cannot be parsed."


class PspUnknown(Refusal, kind=Kind.INVALID, reason="psp_unknown"):
    message = "There is no connector for this PSP."


class PspAccountExists(Refusal, kind=Kind.CONFLICT, reason="psp_account_exists"):
    message = "The merchant already has a PSP account with this name."


class CredentialsMissing(Refusal, kind=Kind.CONFLICT, reason="credentials_missing"):
    message = "There is no readable credentials file with this name in INCASSO_PSP_CREDENTIALS_DIR."
