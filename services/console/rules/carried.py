"""A file that a form carries from its preview to the button that imports it, so that nobody has to choose
it twice and nothing is kept. Pure.
"""

import base64
import binascii
import zlib
from typing import Final

_WINDOW: Final = 31  # of gzip


def packed(content: bytes) -> str:
    """As text for a hidden field."""
    squeeze = zlib.compressobj(wbits=_WINDOW)
    return base64.b64encode(squeeze.compress(content) + squeeze.flush()).decode()


def unpacked(field: str, most: int) -> bytes | None:
    """None for what is no such field, or has more than `most` bytes."""
    stream = zlib.decompressobj(_WINDOW)
    try:
        found = stream.decompress(base64.b64decode(field, validate=True), most + 1)
    except (binascii.Error, ValueError, zlib.error):
        return None
    return found if stream.eof and len(found) <= most else None
