"""The operator's own scorer, which judges customers by data that we do not have: a class named in
the settings. Without one, only exposure and history count.

A scorer is created once, without arguments, and called for many customers at once.
"""

import asyncio
import importlib
from typing import Final, Protocol, cast

from libs.logs import log
from services.instalments.rules.affordability import Applicant, Concern

SECONDS: Final = 2.0  # a shopper is waiting


class Scorer(Protocol):
    async def accepts(self, applicant: Applicant) -> bool:
        """False sends the plan to review. So does any exception, or no answer within SECONDS."""


class Everybody:
    """The default."""

    async def accepts(self, applicant: Applicant) -> bool:
        return True


def load(name: str) -> Scorer:
    """Loads `package.module:Class`. Raises ValueError for anything else, so that the process does
    not start.
    """
    module, _, attribute = name.partition(":")
    try:
        scorer = getattr(importlib.import_module(module), attribute)()
        _ = scorer.accepts
    except (ImportError, AttributeError, TypeError) as error:
        raise ValueError(f"INCASSO_SCORER: {name} is not a class with `accepts`") from error
    return cast(Scorer, scorer)


async def opinion(scorer: Scorer, applicant: Applicant) -> tuple[Concern, ...]:
    try:
        async with asyncio.timeout(SECONDS):
            accepted = await scorer.accepts(applicant)
    except Exception as error:  # noqa: BLE001 - raised by the operator's code
        log.warning("the scorer gave no answer", kind=type(error).__name__)
        return (Concern.SCORE_UNAVAILABLE,)
    return () if accepted else (Concern.SCORE,)
