"""The gateway's environment: addresses, origins and sizes. See libs/settings for the rules."""

from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, create_model, field_validator

from libs import services
from libs.settings import Settings
from libs.tables.model import Format


def with_targets(config: type[Settings]) -> type[Settings]:
    """Adds a field `<service>_target` for each service."""
    fields: dict[str, Any] = {f"{name}_target": (str, ...) for name in services.NAMES}
    return create_model(config.__name__, __base__=config, **fields)


@with_targets
class Config(Settings):
    """`INCASSO_<NAME>` for each field, and `INCASSO_<SERVICE>_TARGET` for each service."""

    http_port: int = Field(ge=0, le=65535)
    # Where shoppers and storefronts reach this gateway, without trailing slash.
    public_url: str
    # Contact for storefront developers, in the OpenAPI document.
    contact_email: str = ""
    # Comma-separated origins whose pages may call with a publishable key. There are no cookies, so
    # any origin is safe.
    cors_origins: str = "*"
    # Number of proxies in front of the gateway that add to X-Forwarded-For; 0 only if callers
    # connect to the gateway directly.
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    # Seconds for the headers and for the body of a request, for an idle connection to stay open,
    # and for a client to read an answer.
    header_seconds: float = Field(default=10.0, gt=0)
    body_seconds: float = Field(default=10.0, gt=0)
    idle_seconds: float = Field(default=75.0, gt=0)
    send_seconds: float = Field(default=30.0, gt=0)
    # Connections per process, and per address if no proxy stands in front.
    max_connections: int = Field(default=5000, ge=1)
    max_connections_per_address: int = Field(default=500, ge=1)
    # Requests per merchant and process, from its servers and from its browsers, however many keys.
    merchant_requests_per_second: float = Field(default=1000.0, gt=0)
    merchant_requests_burst: float = Field(default=2000.0, ge=1)
    # Requests with publishable keys per address.
    browser_requests_per_second: float = Field(default=20.0, gt=0)
    browser_requests_burst: float = Field(default=200.0, ge=1)
    # Calls per merchant in progress in this process: reads from its servers (while no other
    # merchant has a call in progress), and all others.
    merchant_reads_at_once: int = Field(default=4, ge=1)
    merchant_calls_at_once: int = Field(default=32, ge=1)
    # Rows of a list that is exported. A workbook needs 2 to 6 KB of TMPDIR for each, and leaves
    # only when it is finished.
    export_max_rows: int = Field(default=1_000_000, ge=1)
    export_max_xlsx_rows: int = Field(default=100_000, ge=1)
    # Files that are being sent: exports and downloads, per merchant and in total.
    merchant_files_at_once: int = Field(default=2, ge=1)
    files_at_once: int = Field(default=8, ge=1)
    # Approximate delay of a 429 of the API, to slow down floods; four times as long if a merchant
    # gets many.
    slow_down_seconds: float = Field(default=1.0, ge=0, le=10)
    # Refused keys, webhooks and returns per IP address and process.
    failures_per_second: float = Field(default=20.0, gt=0)
    failures_burst: float = Field(default=200.0, ge=1)
    # Pages that show the browser components; never in production.
    demo_pages: bool = False

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("must be an http or https address")
        return value.rstrip("/")

    @property
    def export_rows(self) -> dict[Format, int]:
        """Rows that an export has at most."""
        most = dict.fromkeys(Format, self.export_max_rows)
        return {**most, Format.XLSX: min(self.export_max_rows, self.export_max_xlsx_rows)}

    @property
    def targets(self) -> dict[str, str]:
        """The address of each service."""
        return {name: getattr(self, f"{name}_target") for name in services.NAMES}

    @property
    def secure(self) -> bool:
        """Whether shoppers use TLS."""
        return self.public_url.startswith("https://")
