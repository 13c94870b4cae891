"""URLs of the pages of plans. Pure."""


def page_url(public_url: str, token: str) -> str:
    return f"{public_url}/plan/{token}"


def return_url(public_url: str, reference: str) -> str:
    return f"{public_url}/plan/return/{reference}"
