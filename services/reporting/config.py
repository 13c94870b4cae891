"""Where reporting listens and finds its database and bus. It needs nothing beyond the chassis."""

from libs.settings import ServiceSettings


class Config(ServiceSettings):
    pass
