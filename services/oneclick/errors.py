"""The refusals of oneclick. Those of payments are passed on with their own reasons."""

from libs.errors import Kind, Refusal


class CustomerNotFound(Refusal, kind=Kind.NOT_FOUND, reason="customer_not_found"):
    message = "There is no customer with this id."


class CustomerErased(Refusal, kind=Kind.CONFLICT, reason="customer_erased"):
    message = "The customer's data has been erased; create a new customer."


class AddressNotFound(Refusal, kind=Kind.NOT_FOUND, reason="address_not_found"):
    message = "The customer has no address with this id."


class TooManyAddresses(Refusal, kind=Kind.CONFLICT, reason="too_many_addresses"):
    message = "The customer has the maximum number of addresses; delete one first."


class InstrumentNotFound(Refusal, kind=Kind.NOT_FOUND, reason="instrument_not_found"):
    message = "The customer has no instrument with this id."


class InstrumentNotUsable(Refusal, kind=Kind.CONFLICT, reason="instrument_not_usable"):
    message = "The instrument has expired, was removed or waits for a challenge; use another one."


class TooManyInstruments(Refusal, kind=Kind.CONFLICT, reason="too_many_instruments"):
    message = "The customer has the maximum number of instruments; detach one first."


class NoInstrument(Refusal, kind=Kind.CONFLICT, reason="no_instrument"):
    message = "The customer has no default instrument; save one first, or name an instrument."


class ConsentMissing(Refusal, kind=Kind.CONFLICT, reason="consent_missing"):
    message = "The customer has not consented to one-click charges on this instrument."


class ChargeLimitExceeded(Refusal, kind=Kind.UNPROCESSABLE, reason="charge_limit_exceeded"):
    message = "The amount exceeds the limit for a single one-click charge."


class DailyLimitExceeded(Refusal, kind=Kind.UNPROCESSABLE, reason="daily_limit_exceeded"):
    message = "This charge would exceed the customer's limit for 24 hours."


class VelocityExceeded(Refusal, kind=Kind.RATE, reason="velocity_exceeded"):
    message = "The customer has reached the number of one-click charges allowed per hour."


class PaymentNotFound(Refusal, kind=Kind.NOT_FOUND, reason="payment_not_found"):
    message = "There is no one-click payment with this id."


class PaymentNotCancellable(Refusal, kind=Kind.CONFLICT, reason="payment_not_cancellable"):
    message = "Only a payment with delayed capture can be undone; refund this one instead."


class GracePeriodOver(Refusal, kind=Kind.CONFLICT, reason="grace_period_over"):
    message = "The grace period of this payment is over; refund it instead."


class ItemNotRemovable(Refusal, kind=Kind.UNPROCESSABLE, reason="item_not_removable"):
    message = (
        "The items are not in the order, are fixed, or nothing would be left to pay; cancel the"
        " whole order instead."
    )


class UndoInProgress(Refusal, kind=Kind.CONFLICT, reason="undo_in_progress"):
    message = "The order is already being lowered; try again in a moment."


class SessionNotFound(Refusal, kind=Kind.NOT_FOUND, reason="session_not_found"):
    message = "There is no one-click session with this id."


class SessionExpired(Refusal, kind=Kind.CONFLICT, reason="session_expired"):
    message = "The session has expired; open a new one."


class ClientSecretInvalid(Refusal, kind=Kind.UNAUTHENTICATED, reason="client_secret_invalid"):
    message = "The client secret is missing or does not belong to this session."
