"""Where instalments listens and finds its database and bus."""

from libs.settings import ServiceSettings


class Config(ServiceSettings):
    pass
