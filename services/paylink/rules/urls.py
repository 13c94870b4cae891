"""Addresses of the pages of links. Pure."""


def page_url(public_url: str, token: str) -> str:
    return f"{public_url}/p/{token}"


def return_url(public_url: str, reference: str) -> str:
    return f"{public_url}/p/return/{reference}"
