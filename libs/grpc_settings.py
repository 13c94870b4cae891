"""How processes keep connections to each other: ages, pings, look-ups of replicas. The defaults were measured during rollouts.

The deadlines of calls are in libs/deadlines.
"""

from typing import Any, Final, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from libs import deadlines

Options = tuple[tuple[str, Any], ...]

LONGEST_CALL: Final = max(deadlines.UPLOAD, deadlines.DOWNLOAD) + deadlines.CALL


class GrpcSettings(BaseSettings):
    """`INCASSO_<NAME>` for each field; in the chart `grpc`."""

    model_config = SettingsConfigDict(env_prefix="INCASSO_", frozen=True, extra="ignore")

    # A server closes a connection of this age, so that its client looks up replicas again; new ones
    # get no calls before. Calls in progress may continue for the grace period.
    grpc_connection_age_seconds: float = Field(default=300.0, ge=1, le=86_400)
    grpc_connection_grace_seconds: float = Field(default=LONGEST_CALL, ge=LONGEST_CALL, le=86_400)
    # A client pings an idle connection, and drops it if there is no answer. A server refuses clients
    # that ping more often than it allows.
    grpc_keepalive_seconds: float = Field(default=30.0, ge=1, le=7200)
    grpc_keepalive_timeout_seconds: float = Field(default=10.0, ge=0.1, le=300)
    grpc_ping_interval_seconds: float = Field(default=10.0, ge=0.1, le=7200)
    # Minimum between two look-ups of a name. With gRPC's own 30 s, most calls fail in a rolling restart.
    grpc_resolve_seconds: float = Field(default=1.0, ge=0.1, le=60)
    # Maximum pause between two attempts to connect.
    grpc_reconnect_seconds: float = Field(default=1.0, ge=0.1, le=60)

    @model_validator(mode="after")
    def _pings_are_allowed(self) -> Self:
        if self.grpc_keepalive_seconds < self.grpc_ping_interval_seconds:
            raise ValueError(
                "INCASSO_GRPC_KEEPALIVE_SECONDS is below INCASSO_GRPC_PING_INTERVAL_SECONDS:"
                " servers would refuse their clients' pings"
            )
        return self

    @property
    def client_options(self) -> Options:
        return (
            ("grpc.lb_policy_name", "round_robin"),
            ("grpc.dns_min_time_between_resolutions_ms", _ms(self.grpc_resolve_seconds)),
            ("grpc.keepalive_time_ms", _ms(self.grpc_keepalive_seconds)),
            ("grpc.keepalive_timeout_ms", _ms(self.grpc_keepalive_timeout_seconds)),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", _ms(self.grpc_reconnect_seconds)),
            ("grpc.max_receive_message_length", 4 * 1024 * 1024),
            # Not shared between channels: an address that another channel found dead may be alive again.
            ("grpc.use_local_subchannel_pool", 1),
        )

    @property
    def server_options(self) -> Options:
        return (
            ("grpc.max_connection_age_ms", _ms(self.grpc_connection_age_seconds)),
            ("grpc.max_connection_age_grace_ms", _ms(self.grpc_connection_grace_seconds)),
            (
                "grpc.http2.min_ping_interval_without_data_ms",
                _ms(self.grpc_ping_interval_seconds),
            ),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.so_reuseport", 0),
            ("grpc.max_metadata_size", 16 * 1024),
        )


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


DEFAULTS: Final = GrpcSettings.model_construct()  # regardless of the environment
