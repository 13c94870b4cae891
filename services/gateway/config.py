"""Environment of the gateway: addresses, origins and sizes. See libs/settings for the rules."""

from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, create_model, field_validator

from libs import services
from libs.settings import Settings


def with_targets(config: type[Settings]) -> type[Settings]:
    """Adds the field `<service>_target` of each service."""
    fields: dict[str, Any] = {f"{name}_target": (str, ...) for name in services.NAMES}
    return create_model(config.__name__, __base__=config, **fields)


@with_targets
class Config(Settings):
    """`INCASSO_<NAME>` of each field, and `INCASSO_<SERVICE>_TARGET` of each service."""

    http_port: int = Field(ge=0, le=65535)
    # Where shoppers and storefronts reach this gateway, without a slash at its end.
    public_url: str
    # Where who builds a storefront gets help; in the OpenAPI document.
    contact_email: str = ""
    # Origins whose pages may call with a publishable key, separated by commas. There are no
    # cookies, so that any origin is safe.
    cors_origins: str = "*"
    # How many proxies in front of the gateway add to X-Forwarded-For; 0 is right only where
    # callers connect to the gateway itself.
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    # Seconds for the headers and for the body of a request, for an idle connection to stay open,
    # and for a client to read what it was sent.
    header_seconds: float = Field(default=10.0, gt=0)
    body_seconds: float = Field(default=10.0, gt=0)
    idle_seconds: float = Field(default=75.0, gt=0)
    send_seconds: float = Field(default=30.0, gt=0)
    # Connections of this process, and of one address where no proxy stands in front.
    max_connections: int = Field(default=5000, ge=1)
    max_connections_per_address: int = Field(default=500, ge=1)
    # Requests of one merchant and process, by its servers and by its browsers, whatever their keys.
    merchant_requests_per_second: float = Field(default=1000.0, gt=0)
    merchant_requests_burst: float = Field(default=2000.0, ge=1)
    # Requests with publishable keys from one address.
    browser_requests_per_second: float = Field(default=20.0, gt=0)
    browser_requests_burst: float = Field(default=200.0, ge=1)
    # Calls of one merchant that may be under way in this process: reads of its servers while no
    # other merchant has one under way, the others.
    merchant_reads_at_once: int = Field(default=4, ge=1)
    merchant_calls_at_once: int = Field(default=32, ge=1)
    # About so long a 429 of the API is held back, so that a flood makes no haste; four times as long
    # when a merchant gets many.
    slow_down_seconds: float = Field(default=1.0, ge=0, le=10)
    # Refused keys, webhooks and returns of one IP address and process.
    failures_per_second: float = Field(default=20.0, gt=0)
    failures_burst: float = Field(default=200.0, ge=1)
    # Pages to look at the browser component with; never in production.
    demo_pages: bool = False

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("must be an http or https address")
        return value.rstrip("/")

    @property
    def targets(self) -> dict[str, str]:
        """Where each service listens."""
        return {name: getattr(self, f"{name}_target") for name in services.NAMES}

    @property
    def secure(self) -> bool:
        """Whether shoppers come by TLS."""
        return self.public_url.startswith("https://")
