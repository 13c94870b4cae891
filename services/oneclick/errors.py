"""Every way in which oneclick says no. Refusals of payments are passed on with their own reasons."""

from libs.errors import Kind, Refusal


class CustomerNotFound(Refusal, kind=Kind.NOT_FOUND, reason="customer_not_found"):
    message = "There is no customer with this id."


class CustomerErased(Refusal, kind=Kind.CONFLICT, reason="customer_erased"):
    message = "The customer's data were erased; create a new customer."


class AddressNotFound(Refusal, kind=Kind.NOT_FOUND, reason="address_not_found"):
    message = "The customer has no address with this id."


class TooManyAddresses(Refusal, kind=Kind.CONFLICT, reason="too_many_addresses"):
    message = "The customer has as many addresses as are allowed; delete one first."


class InstrumentNotFound(Refusal, kind=Kind.NOT_FOUND, reason="instrument_not_found"):
    message = "The customer has no instrument with this id."


class InstrumentNotUsable(Refusal, kind=Kind.CONFLICT, reason="instrument_not_usable"):
    message = "The instrument cannot be charged: it expired, was removed or waits for a challenge."


class TooManyInstruments(Refusal, kind=Kind.CONFLICT, reason="too_many_instruments"):
    message = "The customer has as many instruments as are allowed; detach one first."


class NoInstrument(Refusal, kind=Kind.CONFLICT, reason="no_instrument"):
    message = "The customer has no default instrument; save one first or name one."


class ConsentMissing(Refusal, kind=Kind.CONFLICT, reason="consent_missing"):
    message = "The customer did not consent to one-click charges of this instrument."


class ChargeLimitExceeded(Refusal, kind=Kind.UNPROCESSABLE, reason="charge_limit_exceeded"):
    message = "The amount is above the limit of a single one-click charge."


class DailyLimitExceeded(Refusal, kind=Kind.UNPROCESSABLE, reason="daily_limit_exceeded"):
    message = "With this charge the customer's sum of 24 hours would be above the limit."


class VelocityExceeded(Refusal, kind=Kind.RATE, reason="velocity_exceeded"):
    message = "The customer has made as many one-click charges as an hour allows."


class PaymentNotFound(Refusal, kind=Kind.NOT_FOUND, reason="payment_not_found"):
    message = "There is no one-click payment with this id."


class PaymentNotCancellable(Refusal, kind=Kind.CONFLICT, reason="payment_not_cancellable"):
    message = "Only a payment with delayed capture can be undone; refund this one instead."


class GracePeriodOver(Refusal, kind=Kind.CONFLICT, reason="grace_period_over"):
    message = "The grace period of this payment is over; refund it instead."


class ItemNotRemovable(Refusal, kind=Kind.UNPROCESSABLE, reason="item_not_removable"):
    message = (
        "The order does not hold these items, they are fixed, or the rest would cost nothing;"
        " cancel the whole order instead."
    )


class UndoInProgress(Refusal, kind=Kind.CONFLICT, reason="undo_in_progress"):
    message = "The order is being lowered already; repeat in a moment."


class SessionNotFound(Refusal, kind=Kind.NOT_FOUND, reason="session_not_found"):
    message = "There is no one-click session with this id."


class SessionExpired(Refusal, kind=Kind.CONFLICT, reason="session_expired"):
    message = "The session's time is over; open a new one."


class ClientSecretInvalid(Refusal, kind=Kind.UNAUTHENTICATED, reason="client_secret_invalid"):
    message = "The client secret is missing or is not the one of this session."
