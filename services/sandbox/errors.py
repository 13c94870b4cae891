"""The refusals of the simulated PSP: one class, one HTTP status, one code."""

from typing import ClassVar


class SandboxError(Exception):
    status: ClassVar[int]
    code: ClassVar[str]

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field

    def body(self) -> dict[str, str]:
        answer = {"code": self.code, "message": self.message}
        if self.field is not None:
            answer["field"] = self.field
        return answer


class MalformedBodyError(SandboxError):
    status = 400
    code = "malformed_body"


class IdempotencyKeyMissingError(SandboxError):
    status = 400
    code = "idempotency_key_missing"


class UnauthorisedError(SandboxError):
    status = 401
    code = "unauthorised"


class NotFoundError(SandboxError):
    status = 404
    code = "not_found"


class UnknownKeyError(SandboxError):
    status = 404
    code = "unknown_key"


class IdempotencyKeyReusedError(SandboxError):
    status = 409
    code = "idempotency_key_reused"


class InProgressError(SandboxError):
    status = 409
    code = "in_progress"


class InvalidRequestError(SandboxError):
    status = 422
    code = "invalid_request"


class UnknownTokenError(SandboxError):
    status = 422
    code = "unknown_token"


class InstrumentNotReadyError(SandboxError):
    status = 422
    code = "instrument_not_ready"


class NotATestCardError(SandboxError):
    status = 422
    code = "not_a_test_card"


class OperationRefusedError(SandboxError):
    """A capture, cancellation, refund or dispute that the state of the charge does not allow."""

    status = 422
    code = "refused"


class NotCapturableError(OperationRefusedError):
    code = "not_capturable"


class NotCancellableError(OperationRefusedError):
    code = "not_cancellable"


class NotRefundableError(OperationRefusedError):
    code = "not_refundable"


class AmountTooLargeError(OperationRefusedError):
    code = "amount_too_large"


class ChargeDisputedError(OperationRefusedError):
    code = "charge_disputed"


class NotDisputableError(OperationRefusedError):
    code = "not_disputable"


class NotPendingError(OperationRefusedError):
    code = "not_pending"


class ParcelElsewhereError(OperationRefusedError):
    code = "parcel_elsewhere"


class RefusedInConsoleError(OperationRefusedError):
    """What the API would have refused too; its code says what."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.refused = code

    def body(self) -> dict[str, str]:
        return super().body() | {"code": self.refused}


class RefusedOnDemandError(OperationRefusedError):
    """The answer for the fault kind "refuse"."""

    code = "refused"
