"""Configuration: addresses, sizes and secrets from the environment or from files, frozen.

Every variable is `INCASSO_<NAME>`. A secret may be a file of the same name in a folder named by
`INCASSO_SECRETS_DIR` (mounted Kubernetes Secrets); with several folders, separated by colons, the
last one wins. Business numbers do not belong here.
"""

import os
import sys
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from libs import deadlines
from libs.grpc_settings import GrpcSettings
from libs.tls import Tls

S = TypeVar("S", bound="TlsSettings")


class TlsSettings(BaseSettings):
    """PEM files for mutual TLS between the processes: all three or none."""

    model_config = SettingsConfigDict(env_prefix="INCASSO_", frozen=True, extra="ignore")

    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None
    tls_ca_file: Path | None = None

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        files = (self.tls_certificate_file, self.tls_key_file, self.tls_ca_file)
        if any(files) and not all(files):
            raise ValueError("INCASSO_TLS_CERTIFICATE_FILE, …_KEY_FILE and …_CA_FILE: all or none")
        return self

    def tls(self) -> Tls | None:
        """Raises OSError, FileError."""
        if self.tls_certificate_file and self.tls_key_file and self.tls_ca_file:
            return Tls(self.tls_certificate_file, self.tls_key_file, self.tls_ca_file)
        return None


class Settings(GrpcSettings, TlsSettings):
    """What every process needs. Services inherit and add their own."""

    identity_key_file: Path  # Ed25519 private key (PEM) that proves the identity of this process
    admin_port: int = Field(default=0, ge=0, le=65535)  # health and metrics
    listen_host: str = "127.0.0.1"
    drain_seconds: float = Field(default=0.0, ge=0)  # between NOT_SERVING and stop
    grace_seconds: float = Field(default=deadlines.STOP, ge=0)  # for calls in progress at stop


class ServiceSettings(Settings):
    """A gRPC service with a database and the event bus."""

    grpc_port: int = Field(ge=0, le=65535)
    database_url: str
    database_pool_size: int = Field(default=16, ge=1, le=500)
    nats_url: str
    nats_setup_url: str = ""  # of the user `setup`, for `migrate`; empty if NATS has no users
    nats_replicas: int = Field(default=1, ge=1, le=5)  # servers that keep each event, for `migrate`
    startup_wait_seconds: float = Field(default=0.0, ge=0)  # for the database and its migrations
    trust_dir: Path  # public keys of all allowed callers: <service>.pub, also operator.pub
    reflection: bool = False  # serves the contracts to any caller; for development


def load(cls: type[S], **overrides: Any) -> S:
    """Read the settings, or end the process with a message that names what is missing."""
    folders = [one for one in os.environ.get("INCASSO_SECRETS_DIR", "").split(os.pathsep) if one]
    try:
        return cls(_secrets_dir=folders, **overrides)  # type: ignore[call-arg]  # pydantic-settings' own
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(["INCASSO", *map(str, problem["loc"])]).upper()
            sys.stderr.write(f"{name}: {problem['msg']}\n")
        raise SystemExit(78) from None  # EX_CONFIG
