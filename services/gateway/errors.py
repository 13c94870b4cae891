"""The gateway's own refusals, with their HTTP statuses."""

from collections.abc import Iterable, Sequence

from libs.errors import Kind, Refusal


class GatewayRefusal(Refusal):
    """A refusal specific to HTTP, whose status has no gRPC kind."""

    kind = Kind.INVALID
    reason = "bad_request"
    http_status = 400
    message = "The request is not acceptable."
    headers: dict[str, str] = {}  # noqa: RUF012 - replaced per instance, never changed


class ApiKeyMissing(GatewayRefusal):
    reason = "api_key_missing"
    http_status = 401
    message = "Send your API key as `Authorization: Bearer sk_…`."


class ApiKeyUnknown(GatewayRefusal):
    reason = "api_key_unknown"
    http_status = 401
    message = "This API key does not exist."


class IdempotencyKeyInvalid(GatewayRefusal):
    reason = "idempotency_key_invalid"
    message = "The Idempotency-Key must be a single text of 1 to 255 printable ASCII characters."


class BodyTooLarge(GatewayRefusal):
    reason = "body_too_large"
    http_status = 413
    message = "The body is too large for this call."


class BodySlow(GatewayRefusal):
    reason = "body_slow"
    http_status = 408
    message = "The body did not arrive in time; repeat the request."


class BodyUnreadable(GatewayRefusal):
    reason = "body_unreadable"
    message = "The body is incomplete, or does not match the headers."


class ContentEncodingUnsupported(GatewayRefusal):
    reason = "content_encoding_unsupported"
    http_status = 415
    message = "This URL does not accept bodies with this Content-Encoding."

    def __init__(self, taken: Sequence[str] = ("identity",)) -> None:
        known = " or ".join(taken)
        super().__init__(f"This URL only accepts bodies with the Content-Encoding {known}.")
        self.headers = {"Accept-Encoding": ", ".join(taken)}


class MediaTypeUnsupported(GatewayRefusal):
    reason = "media_type_unsupported"
    http_status = 415
    message = "Send the body as `Content-Type: application/json` in UTF-8."


class EncodingInvalid(GatewayRefusal):
    reason = "encoding_invalid"
    message = "The body is not valid UTF-8."


class JsonMalformed(GatewayRefusal):
    reason = "json_malformed"
    message = "The body is not valid JSON."


class HttpMalformed(GatewayRefusal):
    reason = "http_malformed"
    message = "The request is not valid HTTP (RFC 9112)."


class HeadersTooLarge(GatewayRefusal):
    reason = "headers_too_large"
    http_status = 431
    message = "The URL or the headers are too large."


class HeadersSlow(GatewayRefusal):
    reason = "headers_slow"
    http_status = 408
    message = "The headers did not arrive in time; repeat the request."


class TooManyConnections(GatewayRefusal):
    kind = Kind.UNAVAILABLE
    reason = "too_many_connections"
    http_status = 503
    message = "Too many connections are open; keep them alive and reuse them."


class ExpectationUnknown(GatewayRefusal):
    reason = "expectation_failed"
    http_status = 417
    message = "The only supported Expect value is 100-continue."


class RouteNotFound(GatewayRefusal):
    reason = "route_not_found"
    http_status = 404
    message = "There is nothing at this URL; /docs lists the calls."


class MethodNotAllowed(GatewayRefusal):
    reason = "method_not_allowed"
    http_status = 405
    message = "This URL does not support this method."

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        super().__init__()
        self.headers = {"Allow": ", ".join(sorted(allowed))}


class TooManyRequests(GatewayRefusal):
    kind = Kind.RATE
    reason = "too_many_requests"
    http_status = 429
    message = "Too many requests; wait for the seconds in Retry-After."

    def __init__(self, wait_seconds: float = 1.0, message: str = "") -> None:
        super().__init__(message)
        self.headers = {"Retry-After": str(max(1, round(wait_seconds + 0.5)))}


class TooManyAtOnce(TooManyRequests):
    reason = "too_many_at_once"
    message = "The merchant has too many calls in progress; repeat with the same key in a moment."


class PlanRateExceeded(TooManyRequests):
    """The rate of the merchant's plan is used up. Names the plan, so that the shop can upgrade."""

    reason = "plan_rate_exceeded"

    message = "The plan's requests per second are used up; wait for the seconds in Retry-After."

    @classmethod
    def of(cls, wait_seconds: float, *, plan: str, rate: int) -> "PlanRateExceeded":
        message = (
            f'The plan "{plan}" allows {rate} requests per second (requests_per_second); '
            "wait for the seconds in Retry-After."
        )
        return cls(wait_seconds, message)


class ExportTooLarge(GatewayRefusal):
    reason = "export_too_large"
    http_status = 422
    message = "The list is too long for one file; filter it, for example by time."

    @classmethod
    def of(cls, most: int) -> "ExportTooLarge":
        return cls(
            f"The list has more than {most} rows, which is the most for this format; filter it, for"
            " example by time."
        )


def http_status(refusal: Refusal) -> int:
    if isinstance(refusal, GatewayRefusal):
        return refusal.http_status
    return refusal.kind.http_status
