"""Surveys after payment: their questions, how long they can be answered, and their scores. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from libs.errors import invalid
from libs.sellers import Seller
from services.reporting.rules.ratios import rate

ANSWERABLE: Final = timedelta(days=30)
MOST_ADDRESSES: Final = 10  # per survey; older ones stop working
WORST, BEST = 1, 5


class Question(Enum):
    SATISFACTION = "satisfaction"
    RECOMMENDATION = "recommendation"
    EASE = "ease"


@dataclass(frozen=True, slots=True)
class SurveySettings:
    enabled: bool = False
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """`id`: that of the payment, plan or transfer."""

    id: str
    merchant_id: str
    locale: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ShownMerchant:
    """The merchant as shown on the page."""

    id: str
    name: str
    test: bool = False
    logo_id: str | None = None
    primary_colour: str | None = None
    website_url: str | None = None
    reply_to: str | None = None
    seller: Seller | None = None


@dataclass(frozen=True, slots=True)
class SurveyPage:
    merchant: ShownMerchant
    locale: str
    satisfaction: int | None
    recommendation: int | None
    ease: int | None


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    merchant_id: str
    paid_id: str
    question: Question
    answer: int
    answered_at: datetime


def survey_of(merchant_id: str, paid_id: str, locale: str, now: datetime) -> Survey:
    return Survey(paid_id, merchant_id, locale, now, now + ANSWERABLE)


def is_open(survey: Survey, now: datetime) -> bool:
    return now < survey.expires_at


def answers_of(
    survey: Survey,
    now: datetime,
    *,
    satisfaction: int | None,
    recommendation: int | None,
    ease: int | None,
) -> Sequence[SurveyAnswer]:
    """Raises InvalidArgument if there is none."""
    given = {
        Question.SATISFACTION: satisfaction,
        Question.RECOMMENDATION: recommendation,
        Question.EASE: ease,
    }
    found = [
        SurveyAnswer(survey.merchant_id, survey.id, question, answer, now)
        for question, answer in given.items()
        if answer is not None
    ]
    if not found:
        raise invalid("satisfaction", "answer at least one of the questions")
    return found


@dataclass(frozen=True, slots=True)
class SurveyOption:
    answer: int
    count: int


@dataclass(frozen=True, slots=True)
class SurveyScore:
    answers: int
    options: Sequence[SurveyOption]
    score_basis_points: int | None


@dataclass(frozen=True, slots=True)
class Satisfaction:
    csat: SurveyScore
    nps: SurveyScore
    ces: SurveyScore


def satisfaction(counted: Iterable[tuple[Question, SurveyOption]]) -> Satisfaction:
    """CSAT and CES: the share of best answers. NPS: the share of best less that of worst answers."""
    found = list(counted)
    csat, nps, ces = (
        _score([option for of, option in found if of is question], less_worst=less_worst)
        for question, less_worst in (
            (Question.SATISFACTION, False),
            (Question.RECOMMENDATION, True),
            (Question.EASE, False),
        )
    )
    return Satisfaction(csat, nps, ces)


def _score(options: Sequence[SurveyOption], *, less_worst: bool) -> SurveyScore:
    counts = {option.answer: option.count for option in options}
    answers = sum(counts.values())
    counted = counts.get(BEST, 0) - (counts.get(WORST, 0) if less_worst else 0)
    return SurveyScore(
        answers, sorted(options, key=lambda option: option.answer), rate(counted, answers)
    )
