"""The texts of texts.toml. Pure."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from libs import display
from libs.money import Money

_FILE: Final = Path(__file__).parent.parent / "texts.toml"
_WORDS: Final[Mapping[str, Any]] = tomllib.loads(_FILE.read_text())


@dataclass(frozen=True, slots=True)
class FeeWarning:
    """What a person must have read before turning on a fee."""

    version: str
    article: str
    text: str


FEE_WARNING_VERSION: Final[str] = _WORDS["fee_warning"]["version"]


def fee_warning(locale: str) -> FeeWarning:
    text = _WORDS[display.language_of(locale)]["fee_warning"]
    return FeeWarning(FEE_WARNING_VERSION, _WORDS["fee_warning"]["article"], text)


def label(fee: Money, locale: str) -> str:
    """`Contrassegno`, or with a fee `Contrassegno (+ 1,00 €)`."""
    words: str = _WORDS[display.language_of(locale)]["label"]
    return f"{words} (+ {display.amount(fee, locale)})" if fee.amount_minor else words


def refund_purpose(reference: str, locale: str) -> str:
    """Text on the shopper's bank statement for a refund."""
    words: str = _WORDS[display.language_of(locale)]["refund_purpose"]
    return words.format(reference=reference)
