"""The words of the pages, in Italian and English: a file per area in texts/, read once."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from libs.display import LANGUAGES
from libs.errors import Refusal

_FOLDER: Final = Path(__file__).parent / "texts"
_FAULTS: Final = Path(__file__).parent / "faults_it.toml"
SHARED: Final = "shared"
REFUSALS: Final = "refusals"


@cache
def words(area: str, language: str) -> Mapping[str, str]:
    """An area's texts over the shared ones; for `settings_keys`, also over those of `settings`."""
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
    """The names of all files in texts/."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def refused(refusal: Refusal, language: str) -> str:
    """A refusal's reason, and what to do next; a general text with its code if it has none."""
    known = read(REFUSALS)[language]
    if refusal.reason in known:
        return known[refusal.reason]
    by_kind = f"kind_{refusal.kind.name.lower()}"
    return known[by_kind].format(reason=refusal.reason)


def fault(description: str, language: str) -> str:
    """A service's error about a field, in the reader's language if there is a translation."""
    if language != "it":
        return description
    for shape, template in faults():
        if found := shape.fullmatch(description):
            return template.format(*found.groups())
    return description


@cache
def faults() -> tuple[tuple[re.Pattern[str], str], ...]:
    """English patterns with their Italian texts, the most specific first."""
    known = tomllib.loads(_FAULTS.read_text())
    ordered = sorted(known, key=lambda text: len(text.replace("{}", "")), reverse=True)
    return tuple(
        (re.compile("(.+)".join(map(re.escape, text.split("{}"))), re.DOTALL), known[text])
        for text in ordered
    )
