"""Addresses and secrets of payments. Business numbers are next to their rules."""

from pathlib import Path

from libs.settings import ServiceSettings


class Config(ServiceSettings):
    """`public_url`: where shoppers reach the gateway; PSPs redirect them there."""

    public_url: str
    psp_credentials_dir: Path
