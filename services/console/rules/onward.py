"""Where to go after signing in: only to a page of the console itself. Pure."""

import re
from typing import Final

HOME: Final = "/"
MAX_PATH: Final = 1000
# A path of ours: one slash, then nothing that a browser could take for a host, a scheme or a line.
_OURS = re.compile(r"/(?![/\\])[A-Za-z0-9_\-./~]*(\?[A-Za-z0-9_\-.~%=&+@:,]*)?")
_SIGNING: Final = ("/sign-in", "/sign-out")


def onward(asked: str) -> str:
    """The requested path, or home: a URL with a host or scheme is not ours."""
    if len(asked) > MAX_PATH or not _OURS.fullmatch(asked):
        return HOME
    return HOME if asked.startswith(_SIGNING) or "/../" in f"{asked}/" else asked
