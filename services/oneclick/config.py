"""Where payments is; the rest is the chassis'."""

from libs.settings import ServiceSettings


class Config(ServiceSettings):
    payments_target: str  # gRPC target, e.g. dns:///payments-headless:50051
