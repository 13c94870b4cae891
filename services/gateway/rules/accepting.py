"""Which form of a list a caller wants, by its Accept header (RFC 9110). Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from libs.tables.model import Format

_FILES: Final = {form.media_type: form for form in Format}
_JSON: Final = frozenset({"*/*", "application/*", "application/json"})


def wanted(headers: Sequence[str]) -> Format | None:
    """The preferred file format; None means JSON, which also answers unknown types."""
    ranges = sorted(_ranges(headers), key=lambda each: -each[1])  # stable: ties keep their order
    for media_range, quality in ranges:
        if not quality or media_range in _JSON:
            break
        if media_range in _FILES:
            return _FILES[media_range]
    return None


def _ranges(headers: Sequence[str]) -> Iterator[tuple[str, float]]:
    for each in ",".join(headers).lower().split(","):
        media_range, *parameters = (part.strip() for part in each.split(";"))
        yield media_range, _quality(parameters)


def _quality(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                quality = float(parameter[2:])
            except ValueError:
                return 0.0
            return quality if 0.0 <= quality <= 1.0 else 0.0
    return 1.0
