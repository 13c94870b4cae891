"""Addresses of other services, and the seal keys."""

from pydantic import Field

from libs.settings import ServiceSettings


class Config(ServiceSettings):
    payments_target: str  # gRPC target, e.g. dns:///payments-headless:50051
    merchants_target: str
    oneclick_target: str
    paylink_target: str
    public_url: str = Field(pattern=r"https?://.+[^/]")  # where shoppers reach the gateway
    seal_keys: str = Field(min_length=44, repr=False)  # Fernet keys, newest first, comma-separated
    scorer: str = "services.instalments.scorer_client:Everybody"  # a class: package.module:Class
