"""The chassis' settings, and how people get into the console."""

from pydantic import Field

from libs.settings import ServiceSettings


class Config(ServiceSettings):
    # Where people reach the console; without it, members cannot be invited.
    console_url: str = Field(default="", pattern=r"|https?://.+[^/]")
    # Sign-in with a password: for the embedded stack. Elsewhere people have an OpenID provider.
    console_passwords: bool = False
