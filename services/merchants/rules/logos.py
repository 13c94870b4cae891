"""What a logo may be: a small picture. Pure."""

from typing import Final, TypeAlias

from libs.pictures import Picture, PictureUnusable, picture_of
from services.merchants.errors import LogoRefused

MAX_BYTES: Final = 32 * 1024
MAX_SIDE: Final = 1024  # pixels
Logo: TypeAlias = Picture


def logo_of(text: str) -> Logo:
    """Decodes base64. Raises LogoRefused with the reason."""
    try:
        return picture_of(text, most_bytes=MAX_BYTES, most_side=MAX_SIDE)
    except PictureUnusable as wrong:
        raise LogoRefused(str(wrong)) from wrong
