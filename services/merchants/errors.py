"""Every way in which merchants says no."""

from libs.errors import Kind, Refusal


class MerchantNotFound(Refusal, kind=Kind.NOT_FOUND, reason="merchant_not_found"):
    message = "There is no such merchant."


class ApiKeyUnknown(Refusal, kind=Kind.UNAUTHENTICATED, reason="api_key_unknown"):
    message = "This API key is not known; copy it again, wholly, from where it was created."


class ApiKeyRevoked(Refusal, kind=Kind.UNAUTHENTICATED, reason="api_key_revoked"):
    message = "This API key was revoked or has expired; use the one that replaced it."


class RevokedApiKeyNotRotatable(ApiKeyRevoked):
    """The same reason, asked about a key instead of with it: a conflict, not a failed login."""

    kind = Kind.CONFLICT
    message = "This API key was revoked or has expired; create a new one instead."


class ApiKeyNotFound(Refusal, kind=Kind.NOT_FOUND, reason="api_key_not_found"):
    message = "There is no such API key."


class ScopeUnknown(Refusal, kind=Kind.INVALID, reason="scope_unknown"):
    message = "A scope is not known."


class ScopeNotHeld(Refusal, kind=Kind.FORBIDDEN, reason="scope_not_held"):
    message = "An API key cannot give what it does not hold."


class NoBankAccountChange(Refusal, kind=Kind.CONFLICT, reason="no_bank_account_change"):
    message = "No change of the bank account waits to take effect."


class QuotaExceeded(Refusal, kind=Kind.CONFLICT, reason="quota_exceeded"):
    message = "The plan allows no more of these."


class LogoRefused(Refusal, kind=Kind.UNPROCESSABLE, reason="logo_refused"):
    message = "The picture cannot be a logo."


class LogoNotFound(Refusal, kind=Kind.NOT_FOUND, reason="logo_not_found"):
    message = "There is no such logo; it may have been replaced."


class NotATestMerchant(Refusal, kind=Kind.CONFLICT, reason="not_a_test_merchant"):
    message = "Only a test merchant has a clock of its own; create one with test=true."
