"""Addresses of the neighbours, and the keys of the seal."""

from pydantic import Field

from libs.settings import ServiceSettings


class Config(ServiceSettings):
    merchants_target: str  # gRPC target, e.g. dns:///merchants-headless:50051
    paylink_target: str
    seal_keys: str = Field(min_length=44, repr=False)  # Fernet keys, newest first, by commas
