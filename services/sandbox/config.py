"""Environment of the sandbox: addresses, folders and the pace of the simulated world.

Each field is the variable INCASSO_<FIELD>, for example INCASSO_SANDBOX_SLOW_SECONDS.
"""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class Config(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, env_prefix="INCASSO_")

    listen_host: str = "127.0.0.1"
    http_port: int = 8082
    # The folder of the SQLite file.
    sandbox_data: Path = Path(".incasso/sandbox")
    # Where browsers reach the sandbox; by default the Host header of the API call.
    sandbox_public_url: str | None = None
    # Time after which a timed-out call is answered or cut.
    sandbox_slow_seconds: float = 30.0
    # Time after which a pending charge is approved.
    sandbox_pending_seconds: float = 10.0
    sandbox_webhook_delay_seconds: float = 0.05
    # The first delay after a failed delivery; it doubles up to five minutes.
    sandbox_webhook_retry_seconds: float = 0.5
    sandbox_webhook_concurrency: int = 16
    # Port of the inbox's mail server; without it no mail server runs, 0 is any free port.
    sandbox_smtp_port: int | None = None
    # Where delivery status notifications are posted; without it mail never bounces later.
    sandbox_bounce_url: str | None = None
    # The password of every Twilio account, and the key that signs its callbacks.
    sandbox_twilio_auth_token: str = "sandbox_twilio"  # noqa: S105  # of a simulated provider
    # Time until a message's bounce, or its next state, is reported.
    sandbox_notice_delay_seconds: float = 0.3
    # How long running calls may continue after SIGTERM.
    sandbox_stop_seconds: float = 2.0
