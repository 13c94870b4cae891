"""A file in a hidden field, carried from its preview to its import, so that it need not be chosen twice
and the console stores nothing. Pure.
"""

import base64
import binascii
import zlib
from typing import Final

_WINDOW: Final = 31  # gzip


def packed(content: bytes) -> str:
    """The file as text for a hidden field."""
    squeeze = zlib.compressobj(wbits=_WINDOW)
    return base64.b64encode(squeeze.compress(content) + squeeze.flush()).decode()


def unpacked(field: str, most: int) -> bytes | None:
    """The file; None if the field is not valid, or the file has more than `most` bytes."""
    stream = zlib.decompressobj(_WINDOW)
    try:
        found = stream.decompress(base64.b64decode(field, validate=True), most + 1)
    except (binascii.Error, ValueError, zlib.error):
        return None
    return found if stream.eof and len(found) <= most else None
