"""Lets output survive any terminal: characters that its encoding lacks are replaced.

Each command does this first. Without it, an emoji in a merchant's name ends a listing in a traceback.
"""

import io
import sys


def prepare() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def can_say(text: str) -> bool:
    """Whether standard output has every character of `text`."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
