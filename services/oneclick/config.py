"""The address of payments, and the keys that seal requests and derive client secrets."""

from pydantic import Field

from libs.settings import ServiceSettings


class Config(ServiceSettings):
    payments_target: str  # gRPC target, e.g. dns:///payments-headless:50051
    seal_keys: str = Field(min_length=44, repr=False)  # Fernet keys, newest first, comma-separated
