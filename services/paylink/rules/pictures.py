"""What a picture of a product may be. Pure."""

from typing import Final

from libs.pictures import Picture, PictureUnusable, picture_of
from services.paylink.errors import PictureRefused

MAX_BYTES: Final = 200 * 1024
MAX_SIDE: Final = 2048  # pixels


def product_picture_of(text: str) -> Picture:
    """From base64. Raises PictureRefused, which says why."""
    try:
        return picture_of(text, most_bytes=MAX_BYTES, most_side=MAX_SIDE)
    except PictureUnusable as wrong:
        raise PictureRefused(str(wrong)) from wrong
