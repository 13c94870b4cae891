"""The words of documents in each language, as data in texts_it.toml and texts_en.toml.

Counsel has to confirm them; each file states whether that has happened. A text shown before consent
is kept as evidence: `shown` returns it exactly, with the version of the wording and its SHA-256.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from libs.display import LANGUAGES, language_of
from libs.text import isolated


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as a reader saw it, with its evidence."""

    text: str
    version: str  # of the wording
    sha256: str  # hexadecimal, of the text in UTF-8


@dataclass(frozen=True, slots=True)
class Wording:
    language: str
    version: str
    confirmed: bool  # by counsel
    texts: Mapping[str, str]  # by dotted key: "legal.warning"

    def say(self, key: str, **values: str) -> str:
        """Raises KeyError for a missing text or value. Braces in values stay braces."""
        return self.texts[key].format(**{name: isolated(value) for name, value in values.items()})

    def shown(self, key: str, **values: str) -> Shown:
        text = self.say(key, **values)
        return Shown(text, self.version, hashlib.sha256(text.encode()).hexdigest())


def wording_of(locale: str) -> Wording:
    return _WORDINGS[language_of(locale)]


def _read(language: str) -> Wording:
    """Raises TypeError for a file without version or confirmation mark."""
    with Path(__file__).with_name(f"texts_{language}.toml").open("rb") as file:
        parsed = tomllib.load(file)
    known = {name: parsed.pop(name) for name in ("version", "confirmed") if name in parsed}
    return Wording(language, texts=dict(_flat(parsed)), **known)


def _flat(texts: Mapping[str, Any], path: str = "") -> list[tuple[str, str]]:
    found = []
    for key, value in texts.items():
        found += [(path + key, value)] if isinstance(value, str) else _flat(value, f"{path}{key}.")
    return found


_WORDINGS: Final = {language: _read(language) for language in LANGUAGES}
