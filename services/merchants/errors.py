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


class MemberNotFound(Refusal, kind=Kind.NOT_FOUND, reason="member_not_found"):
    message = "There is no member with this id."


class MemberExists(Refusal, kind=Kind.CONFLICT, reason="member_exists"):
    message = "This person is a member or invited already; change their role, or resend it."


class MemberEnded(Refusal, kind=Kind.CONFLICT, reason="member_ended"):
    message = "This person is no longer a member; invite them again."


class MemberNotInvited(Refusal, kind=Kind.CONFLICT, reason="member_not_invited"):
    message = "There is no open invitation: the person has joined, or it was revoked."


class MemberNotJoined(Refusal, kind=Kind.CONFLICT, reason="member_not_joined"):
    message = "The person has not joined; revoke the invitation instead."


class LastOwner(Refusal, kind=Kind.CONFLICT, reason="last_owner"):
    message = "A merchant has at least one owner; make somebody else an owner first."


class InvitationSentTooOften(Refusal, kind=Kind.RATE, reason="invitation_sent_too_often"):
    message = "This invitation was sent ten times; revoke it and check the address."


class InvitationUnknown(Refusal, kind=Kind.NOT_FOUND, reason="invitation_unknown"):
    message = "This link does not work: it was used, has expired, or was replaced by a newer one."


class InvitationOfAnotherPerson(
    Refusal, kind=Kind.FORBIDDEN, reason="invitation_of_another_person"
):
    message = "This invitation is for another e-mail address; sign in with that one."


class ConsoleNotSetUp(Refusal, kind=Kind.CONFLICT, reason="console_not_set_up"):
    message = "Nobody can be invited: INCASSO_CONSOLE_URL of merchants is not set."


class SessionUnknown(Refusal, kind=Kind.UNAUTHENTICATED, reason="session_unknown"):
    message = "This session is unknown or has ended; sign in again."


class SessionNotFound(Refusal, kind=Kind.NOT_FOUND, reason="session_not_found"):
    message = "There is no open session with this id."


class PasswordsOff(Refusal, kind=Kind.FORBIDDEN, reason="passwords_off"):
    message = "Passwords are switched off; sign in with the OpenID provider."


class PasswordExists(Refusal, kind=Kind.CONFLICT, reason="password_exists"):
    message = "This person has a password already; sign in with it to accept the invitation."


class SignInRefused(Refusal, kind=Kind.UNAUTHENTICATED, reason="sign_in_refused"):
    message = "The e-mail address or the password is wrong."


class TooManyAttempts(Refusal, kind=Kind.RATE, reason="too_many_attempts"):
    message = "Too many tries; wait a quarter of an hour."


class EmailUnverified(Refusal, kind=Kind.FORBIDDEN, reason="email_unverified"):
    message = "The OpenID provider has not verified the e-mail address."


class NoMembership(Refusal, kind=Kind.FORBIDDEN, reason="no_membership"):
    message = "This person is not a member of the merchant; ask an owner for an invitation."


class IdentityMismatch(Refusal, kind=Kind.FORBIDDEN, reason="identity_mismatch"):
    message = "This person is known under another identity of the OpenID provider."


class AuditEntryNotFound(Refusal, kind=Kind.NOT_FOUND, reason="audit_entry_not_found"):
    message = "There is no audit entry with this id."


class OutcomeRecorded(Refusal, kind=Kind.CONFLICT, reason="outcome_recorded"):
    message = "Another outcome was recorded for this audit entry."


class ViewNotFound(Refusal, kind=Kind.NOT_FOUND, reason="view_not_found"):
    message = "There is no saved view with this id that you can see."


class ViewOfAnotherMember(Refusal, kind=Kind.FORBIDDEN, reason="view_of_another_member"):
    message = "Another member saved this view; save it under a name of your own."


class ViewExists(Refusal, kind=Kind.CONFLICT, reason="view_exists"):
    message = "Another view of this list has this name already; choose another one."


class TooManyViews(Refusal, kind=Kind.CONFLICT, reason="too_many_views"):
    message = "There are as many saved views as there can be; delete one first."
