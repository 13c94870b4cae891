"""Pictures that tests store as logos."""

import base64
import io
from typing import Any

from PIL import Image


def a_picture(
    kind: str = "PNG", size: tuple[int, int] = (40, 20), mode: str = "RGB", **options: Any
) -> bytes:
    """A grey picture, as a file of this kind."""
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind, **options)
    return out.getvalue()


def as_text(content: bytes) -> str:
    """As the RPC expects it."""
    return base64.b64encode(content).decode()
