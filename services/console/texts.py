"""The words of the pages, in Italian and English: a file per area in texts/, read once."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from libs.display import LANGUAGES
from libs.errors import Refusal

_FOLDER: Final = Path(__file__).parent / "texts"
SHARED: Final = "shared"
REFUSALS: Final = "refusals"


@cache
def words(area: str, language: str) -> Mapping[str, str]:
    """Those of an area over those that all share; of `settings_keys` also over those of `settings`."""
    whole = area.partition("_")[0]
    above = [SHARED, *([whole] if whole in areas() else [])]
    found: dict[str, str] = {}
    for name in dict.fromkeys([*above, area]):
        found |= read(name)[language]
    return found


@cache
def read(area: str) -> Mapping[str, Mapping[str, str]]:
    """The words of one file by language."""
    found = tomllib.loads((_FOLDER / f"{area}.toml").read_text())
    return {language: found[language] for language in LANGUAGES}


def areas() -> list[str]:
    """All files of words."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def refused(refusal: Refusal, language: str) -> str:
    """Why not, and what to do next; with the refusal's own name if nobody has put it into words."""
    known = read(REFUSALS)[language]
    if refusal.reason in known:
        return known[refusal.reason]
    by_kind = f"kind_{refusal.kind.name.lower()}"
    return known[by_kind].format(reason=refusal.reason)
