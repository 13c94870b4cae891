"""Surveys after payment: offered on the receipt, answered on their own page, and counted."""

from collections.abc import Sequence
from datetime import date

from libs import context
from libs.db import Conn
from libs.errors import required
from libs.rows import to_json
from services.reporting.deps import SurveyDeps
from services.reporting.errors import SurveyNotFound, SurveysOff
from services.reporting.flows import auditing, ingesting
from services.reporting.rules import kpis
from services.reporting.rules import surveys as rules
from services.reporting.rules.surveys import (
    Question,
    Satisfaction,
    Survey,
    SurveyAnswer,
    SurveyPage,
    SurveySettings,
)
from services.reporting.store import surveys as store
from services.reporting.store.surveys import SURVEYS


async def get_settings(deps: SurveyDeps) -> SurveySettings:
    return await deps.db.run(store.settings, context.merchant_id())


async def put_settings(deps: SurveyDeps, *, enabled: bool) -> SurveySettings:
    merchant_id, now = context.merchant_id(), deps.clock.now()
    made = SurveySettings(enabled, now)
    async with deps.db.transaction() as tx:
        before = await store.settings(tx, merchant_id)
        await store.put_settings(tx, merchant_id, made)
        await auditing.record(
            tx,
            "survey_settings.set",
            merchant_id,
            before=to_json(before),
            after=to_json(made),
            now=now,
        )
    return made


async def is_offered(deps: SurveyDeps) -> bool:
    return (await get_settings(deps)).enabled


async def offer(deps: SurveyDeps, *, paid_id: str, locale: str) -> str:
    """Returns the token of a new address. Raises SurveysOff."""
    merchant_id, now = context.merchant_id(), deps.clock.now()
    async with deps.db.transaction() as tx:
        if not (await store.settings(tx, merchant_id)).enabled:
            raise SurveysOff
        await store.add(tx, rules.survey_of(merchant_id, paid_id, locale, now))
        survey = required(await SURVEYS.lock(tx, merchant_id, paid_id), SurveyNotFound)
        return await store.issue(tx, survey, now)


async def opened(deps: SurveyDeps, token: str) -> Survey:
    """Returns the survey; from then on the call acts for its merchant. Raises SurveyNotFound."""
    survey, ahead = required(await deps.db.run(store.find, token), SurveyNotFound)
    context.act_as_shopper(survey.merchant_id, ahead)
    if not rules.is_open(survey, deps.clock.now()):
        raise SurveyNotFound
    return survey


async def get_page(deps: SurveyDeps, survey: Survey) -> SurveyPage:
    """Changes nothing."""
    given = await deps.db.run(store.answers_of, survey.merchant_id, survey.id)
    return SurveyPage(
        merchant=await deps.merchants.get(),
        locale=survey.locale,
        satisfaction=given.get(Question.SATISFACTION),
        recommendation=given.get(Question.RECOMMENDATION),
        ease=given.get(Question.EASE),
    )


async def answer(
    deps: SurveyDeps,
    survey: Survey,
    *,
    satisfaction: int | None,
    recommendation: int | None,
    ease: int | None,
) -> SurveyPage:
    """Raises InvalidArgument."""
    given = rules.answers_of(
        survey,
        deps.clock.now(),
        satisfaction=satisfaction,
        recommendation=recommendation,
        ease=ease,
    )
    async with deps.db.transaction() as tx:
        await keep(tx, given, deps.zone_of)
    return await get_page(deps, survey)


async def keep(conn: Conn, answers: Sequence[SurveyAnswer], zone_of: ingesting.ZoneOf) -> None:
    """For any merchants, in any order. Passes on the errors of `zone_of`."""
    known = await ingesting.zones_of(conn, {one.merchant_id for one in answers}, zone_of)
    days = [one.answered_at.astimezone(known[one.merchant_id]).date() for one in answers]
    await store.answer(conn, answers, days)


async def get_satisfaction(deps: SurveyDeps, *, from_day: date, to_day: date) -> Satisfaction:
    """Raises InvalidArgument."""
    kpis.days_between(from_day, to_day)
    counted = await deps.db.run(store.counted, context.merchant_id(), from_day, to_day)
    return rules.satisfaction(counted)
