"""The providers of text messages by name: one line each."""

from collections.abc import Callable, Mapping
from typing import Final

import aiohttp

from services.notify.config import Config
from services.notify.messages.providers import twilio
from services.notify.messages.providers.base import Provider

PROVIDERS: Final[Mapping[str, Callable[[Config, aiohttp.ClientSession], Provider]]] = {
    "twilio": twilio.make,
}


def build(config: Config, session: aiohttp.ClientSession) -> Mapping[str, Provider]:
    """Those that are configured, by name: none or one."""
    if not config.sms_provider:
        return {}
    return {config.sms_provider: PROVIDERS[config.sms_provider](config, session)}
