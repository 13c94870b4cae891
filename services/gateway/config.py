"""The gateway's environment: addresses, origins and sizes. See libs/settings for the rules."""

from pydantic import Field

from libs.tables.model import Format
from libs.web.settings import WebSettings, with_targets


@with_targets
class Config(WebSettings):
    """`INCASSO_<NAME>` for each field, and `INCASSO_<SERVICE>_TARGET` for each service."""

    # Contact for storefront developers, in the OpenAPI document.
    contact_email: str = ""
    # Comma-separated origins whose pages may call with a publishable key. There are no cookies, so
    # any origin is safe.
    cors_origins: str = "*"
    # Requests per merchant and process over all its keys; servers and browsers count separately.
    merchant_requests_per_second: float = Field(default=1000.0, gt=0)
    merchant_requests_burst: float = Field(default=2000.0, ge=1)
    # Requests with publishable keys per address.
    browser_requests_per_second: float = Field(default=20.0, gt=0)
    browser_requests_burst: float = Field(default=200.0, ge=1)
    # Calls per merchant in progress in this process: reads from its servers (while no other
    # merchant has a call in progress), and all others.
    merchant_reads_at_once: int = Field(default=4, ge=1)
    merchant_calls_at_once: int = Field(default=32, ge=1)
    # Maximum rows of an export. A workbook takes 2 to 6 KB of TMPDIR per row, and is sent only once
    # it is complete.
    export_max_rows: int = Field(default=1_000_000, ge=1)
    export_max_xlsx_rows: int = Field(default=100_000, ge=1)
    # Exports and downloads being sent at once, per merchant and in total.
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

    @property
    def export_rows(self) -> dict[Format, int]:
        """Maximum rows of an export, by format."""
        most = dict.fromkeys(Format, self.export_max_rows)
        return {**most, Format.XLSX: min(self.export_max_rows, self.export_max_xlsx_rows)}
