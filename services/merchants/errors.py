"""The refusals of merchants."""

from libs.errors import Kind, Refusal


class MerchantNotFound(Refusal, kind=Kind.NOT_FOUND, reason="merchant_not_found"):
    message = "There is no merchant with this id."


class ApiKeyUnknown(Refusal, kind=Kind.UNAUTHENTICATED, reason="api_key_unknown"):
    message = "This API key is unknown; check that you copied it in full."


class ApiKeyRevoked(Refusal, kind=Kind.UNAUTHENTICATED, reason="api_key_revoked"):
    message = "This API key was revoked or has expired; use its replacement."


class RevokedApiKeyNotRotatable(ApiKeyRevoked):
    """The same reason for a key that is the object of a call, not its credential: a conflict, not a
    failed login.
    """

    kind = Kind.CONFLICT
    message = "This API key was revoked or has expired; create a new one instead."


class ApiKeyNotFound(Refusal, kind=Kind.NOT_FOUND, reason="api_key_not_found"):
    message = "There is no API key with this id."


class ScopeUnknown(Refusal, kind=Kind.INVALID, reason="scope_unknown"):
    message = "A scope is unknown."


class ScopeNotHeld(Refusal, kind=Kind.FORBIDDEN, reason="scope_not_held"):
    message = "An API key can only grant scopes that it holds itself."


class NoBankAccountChange(Refusal, kind=Kind.CONFLICT, reason="no_bank_account_change"):
    message = "There is no pending change of the bank account."


class QuotaExceeded(Refusal, kind=Kind.CONFLICT, reason="quota_exceeded"):
    message = "The plan's limit is reached."


class LogoRefused(Refusal, kind=Kind.UNPROCESSABLE, reason="logo_refused"):
    message = "This image cannot be used as a logo."


class LogoNotFound(Refusal, kind=Kind.NOT_FOUND, reason="logo_not_found"):
    message = "There is no logo with this name; it may have been replaced."


class NotATestMerchant(Refusal, kind=Kind.CONFLICT, reason="not_a_test_merchant"):
    message = "Only a test merchant has a clock of its own; create one with test=true."
