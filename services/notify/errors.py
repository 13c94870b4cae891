"""The refusals of notify."""

from libs.errors import Kind, Refusal


class MessageNotFound(Refusal, kind=Kind.NOT_FOUND, reason="message_not_found"):
    message = "There is no message with this id."


class MessageUnderWay(Refusal, kind=Kind.CONFLICT, reason="message_under_way"):
    message = "The message is still being sent; wait until it is sent or given up."


class RecipientSuppressed(Refusal, kind=Kind.CONFLICT, reason="recipient_suppressed"):
    message = "Nothing is sent to this address any more; delete its suppression first."


class PaymentLinkClosed(Refusal, kind=Kind.CONFLICT, reason="payment_link_closed"):
    message = "The message has become pointless, for example because its link is closed."


class SuppressionNotFound(Refusal, kind=Kind.NOT_FOUND, reason="suppression_not_found"):
    message = "There is no suppression with this id."


class ProviderUnknown(Refusal, kind=Kind.NOT_FOUND, reason="provider_unknown"):
    message = "No provider with this name is configured."


class SignatureInvalid(Refusal, kind=Kind.UNAUTHENTICATED, reason="signature_invalid"):
    message = "The notice does not prove who sent it."


class NoticeMalformed(Refusal, kind=Kind.INVALID, reason="notice_malformed"):
    message = "The notice cannot be parsed."


class WebhookUrlRefused(Refusal, kind=Kind.UNPROCESSABLE, reason="webhook_url_refused"):
    message = "The URL must be https and lead to a public host."


class ScopeNotHeld(Refusal, kind=Kind.FORBIDDEN, reason="scope_not_held"):
    message = (
        "An endpoint receives every event that it asks for, so the API key also needs the scope "
        '"events:read".'
    )


class TooManyWebhookEndpoints(Refusal, kind=Kind.CONFLICT, reason="too_many_webhook_endpoints"):
    message = "The merchant has the maximum number of endpoints; delete one first."


class WebhookEndpointNotFound(Refusal, kind=Kind.NOT_FOUND, reason="webhook_endpoint_not_found"):
    message = "There is no webhook endpoint with this id."


class WebhookEndpointDisabled(Refusal, kind=Kind.CONFLICT, reason="webhook_endpoint_disabled"):
    message = "The endpoint is disabled; enable it first."


class WebhookDeliveryNotFound(Refusal, kind=Kind.NOT_FOUND, reason="webhook_delivery_not_found"):
    message = "There is no webhook delivery with this id."


class EventNotFound(Refusal, kind=Kind.NOT_FOUND, reason="event_not_found"):
    message = "There is no event with this id."
