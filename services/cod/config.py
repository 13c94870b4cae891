"""Addresses, and the seal keys."""

from pydantic import Field

from libs.settings import ServiceSettings


class Config(ServiceSettings):
    merchants_target: str  # gRPC target, e.g. dns:///merchants-headless:50051
    paylink_target: str
    payments_target: str
    public_url: str = Field(pattern=r"https?://.+[^/]")  # the gateway's URL for shoppers
    seal_keys: str = Field(min_length=44, repr=False)  # comma-separated Fernet keys, newest first
