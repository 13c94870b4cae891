"""The console's own refusals. Each has a text in texts/refusals.toml."""

from libs.errors import Kind, Refusal


class SignInNeeded(Refusal, kind=Kind.UNAUTHENTICATED, reason="sign_in_needed"):
    message = "Sign in first."


class RoleTooLow(Refusal, kind=Kind.FORBIDDEN, reason="role_too_low"):
    message = "Your role does not allow this; ask an owner."


class FormForeign(Refusal, kind=Kind.FORBIDDEN, reason="form_foreign"):
    message = "The form was not sent from a page of the console."


class FormOld(Refusal, kind=Kind.FORBIDDEN, reason="form_old"):
    message = "The form is too old; check it and send it again."


class ReauthenticationNeeded(Refusal, kind=Kind.FORBIDDEN, reason="reauthentication_needed"):
    message = "Confirm your identity before this step."


class SignInFailed(Refusal, kind=Kind.FORBIDDEN, reason="sign_in_failed"):
    message = "The OpenID provider did not confirm who you are; sign in again."


class ChangedMeanwhile(Refusal, kind=Kind.CONFLICT, reason="changed_meanwhile"):
    message = "Somebody has changed this since the page was opened; reload it."


class LineGone(Refusal, kind=Kind.NOT_FOUND, reason="line_gone"):
    message = "The line is no longer in the list."


class ReportUnknown(Refusal, kind=Kind.NOT_FOUND, reason="report_not_found"):
    message = "There is no such report."
