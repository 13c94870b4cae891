"""The chassis' settings; merchants needs no others."""

from libs.settings import ServiceSettings


class Config(ServiceSettings):
    pass
