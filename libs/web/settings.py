"""The environment of every process that browsers reach: its addresses, and the limits of connections."""

from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, create_model, field_validator

from libs import services
from libs.settings import Settings

S = TypeVar("S", bound=Settings)


def with_targets(config: type[S]) -> type[S]:
    """Adds a field `<service>_target` for each service."""
    fields: dict[str, Any] = {f"{name}_target": (str, ...) for name in services.NAMES}
    return create_model(config.__name__, __base__=config, **fields)


class WebSettings(Settings):
    """`INCASSO_<NAME>` for each field."""

    http_port: int = Field(ge=0, le=65535)
    # Where browsers and storefronts reach this process, without trailing slash.
    public_url: str
    # Number of proxies in front of the process that add to X-Forwarded-For; 0 only if callers
    # connect to it directly.
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    # Seconds for the headers and for the body of a request, for an idle connection to stay open,
    # and for a client to read an answer.
    header_seconds: float = Field(default=10.0, gt=0)
    body_seconds: float = Field(default=10.0, gt=0)
    idle_seconds: float = Field(default=75.0, gt=0)
    send_seconds: float = Field(default=30.0, gt=0)
    # Connections per process, and per address if there is no proxy in front.
    max_connections: int = Field(default=5000, ge=1)
    max_connections_per_address: int = Field(default=500, ge=1)

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("must be an http or https address")
        return value.rstrip("/")

    @property
    def targets(self) -> dict[str, str]:
        """The address of each service."""
        return {name: getattr(self, f"{name}_target") for name in services.NAMES}

    @property
    def secure(self) -> bool:
        """Whether browsers use TLS."""
        return self.public_url.startswith("https://")
