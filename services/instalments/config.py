"""Where merchants is."""

from libs.settings import ServiceSettings


class Config(ServiceSettings):
    merchants_target: str  # gRPC target, e.g. dns:///merchants-headless:50051
