"""The gateway's own refusals, with their HTTP statuses."""

from libs.web.errors import HttpRefusal, TooManyRequests


class ApiKeyMissing(HttpRefusal):
    reason = "api_key_missing"
    http_status = 401
    message = "Send your API key as `Authorization: Bearer sk_…`."


class ApiKeyUnknown(HttpRefusal):
    reason = "api_key_unknown"
    http_status = 401
    message = "This API key does not exist."


class IdempotencyKeyInvalid(HttpRefusal):
    reason = "idempotency_key_invalid"
    message = "The Idempotency-Key must be a single text of 1 to 255 printable ASCII characters."


class MediaTypeUnsupported(HttpRefusal):
    reason = "media_type_unsupported"
    http_status = 415
    message = "Send the body as `Content-Type: application/json` in UTF-8."


class EncodingInvalid(HttpRefusal):
    reason = "encoding_invalid"
    message = "The body is not valid UTF-8."


class JsonMalformed(HttpRefusal):
    reason = "json_malformed"
    message = "The body is not valid JSON."


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


class ExportTooLarge(HttpRefusal):
    reason = "export_too_large"
    http_status = 422
    message = "The list is too long for one file; filter it, for example by time."

    @classmethod
    def of(cls, most: int) -> "ExportTooLarge":
        return cls(
            f"The list has more than {most} rows, which is the most for this format; filter it, for"
            " example by time."
        )
