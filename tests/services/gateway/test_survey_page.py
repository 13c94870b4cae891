"""The survey after payment: offered on a receipt, its page, its form, and strangers."""

import re
import secrets

import pytest
from playwright.async_api import expect

from incasso.common.v1 import merchant_pb2
from incasso.paylink.v1 import pages_pb2
from incasso.reporting.v1 import surveys_pb2 as pb
from libs.errors import FieldViolation, Kind, RemoteRefusal, ServiceUnavailable
from services.gateway.pay.survey import QUESTIONS
from services.gateway.pay.texts import WORDS
from tests.browser import faults, looks, needs_chromium
from tests.services.gateway import pay_samples
from tests.services.gateway.test_cod_page import OURS, html

PATH = "/s/5nGxUDsAs8G6h3pAkA1Zbh"
MERCHANT = merchant_pb2.ShownMerchant(
    id="mer_1", name="Bottega Demo", primary_colour="#0f766e", reply_to="aiuto@bottega.example"
)
UNKNOWN = RemoteRefusal(Kind.NOT_FOUND, "survey_not_found", "No.")
MISSING = RemoteRefusal(
    Kind.INVALID,
    "invalid_argument",
    "No.",
    violations=[FieldViolation("satisfaction", "answer at least one of the questions")],
)


def show(gateway, found=None, **given: int) -> None:
    page = pb.SurveyPage(merchant=MERCHANT, locale="it", **given)
    gateway.services.answers["GetSurveyPage"] = found or pb.GetSurveyPageResponse(page=page)


def post(gateway, fields=None, *, headers=OURS, path=""):
    """Posts to a new survey, since forms of one survey are rate-limited."""
    path = path or f"/s/{secrets.token_urlsafe(16)}"
    return gateway.request("POST", f"{path}/answer", key=None, data=fields or {}, headers=headers)


async def test_looking_at_a_survey_changes_nothing(gateway):
    """Mail scanners open every link that they find."""
    show(gateway)
    for method in ("GET", "HEAD"):
        for path, status in ((PATH, 200), (f"{PATH}/answer", 303)):
            async with gateway.request(method, path, key=None) as response:
                assert response.status == status
    assert {seen.name for seen in gateway.services.seen} == {"GetSurveyPage"}


@pytest.mark.parametrize("language", ["it", "en"])
async def test_the_survey_asks_three_questions_with_five_options_in_both_languages(
    gateway, language
):
    show(gateway, recommendation=4)
    text = await html(gateway, PATH, language=language)
    words = WORDS[language]
    for question in QUESTIONS:
        assert words[f"survey_{question}"].split("{")[0] in text
        assert text.count(f'type="radio" name="{question}"') == 5
        assert all(words[f"survey_{question}_{option}"] in text for option in range(1, 6))
    assert re.findall(r'name="(\w+)" value="(\d)" checked', text) == [("recommendation", "4")]
    assert "<script" not in text


async def test_only_the_answers_are_forwarded(gateway):
    fields = {"satisfaction": "5", "ease": "1", "comment": "mario@example.com", "token": "other"}
    async with post(gateway, fields, path=PATH) as response:
        assert (response.status, response.headers["Location"]) == (
            303,
            f"{PATH}?notice=survey_thanks",
        )
    asked = gateway.services.last("AnswerSurvey")
    assert asked.request == pb.AnswerSurveyRequest(token=PATH[3:], satisfaction=5, ease=1)
    assert asked.call.merchant_id == ""


@pytest.mark.parametrize("wrong", ["0", "6", "99999999999999999999", "-1", "very", "²"])
async def test_an_invalid_option_is_refused_with_a_message(gateway, wrong):
    """The contract's field rules refuse it."""
    async with post(gateway, {"ease": wrong}, path=PATH) as response:
        assert response.headers["Location"] == f"{PATH}?notice=survey_missing"
    assert gateway.services.calls("AnswerSurvey") == 0


async def test_a_form_without_answers_redirects_with_a_message(gateway):
    gateway.services.answers["AnswerSurvey"] = MISSING
    async with post(gateway, path=PATH) as response:
        assert response.headers["Location"] == f"{PATH}?notice=survey_missing"


async def test_an_unknown_survey_is_not_found(gateway):
    show(gateway, UNKNOWN)
    gateway.services.answers["AnswerSurvey"] = UNKNOWN
    await html(gateway, PATH, status=404)
    async with post(gateway, {"ease": "5"}) as response:
        assert response.status == 404


async def test_a_cross_site_form_is_refused(gateway):
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        async with post(gateway, {"ease": "5"}, headers=headers) as response:
            assert response.status == 403
    assert gateway.services.calls("AnswerSurvey") == 0


async def test_a_receipt_offers_the_survey_only_while_the_merchant_does(gateway):
    page = pay_samples.paid()
    gateway.services.answers["GetPayPage"] = pages_pb2.GetPayPageResponse(page=page)
    start = WORDS["it"]["survey_start"]
    for offered in (False, True):
        gateway.services.answers["GetSurveyOffer"] = pb.GetSurveyOfferResponse(offered=offered)
        assert (start in await html(gateway, pay_samples.PATH)) is offered
    asked = gateway.services.last("GetSurveyOffer")
    assert asked.call.merchant_id == page.merchant.id
    gateway.services.answers["GetSurveyOffer"] = ServiceUnavailable()
    assert start not in await html(gateway, pay_samples.PATH)


async def test_a_receipt_redirects_to_the_survey_of_its_own_payment(gateway):
    page = pay_samples.paid()
    gateway.services.answers["GetPayPage"] = pages_pb2.GetPayPageResponse(page=page)
    gateway.services.answers["OfferSurvey"] = pb.OfferSurveyResponse(token="t-1")
    url = f"{pay_samples.PATH}/survey"
    async with gateway.request("POST", url, key=None, headers=OURS) as response:
        assert (response.status, response.headers["Location"]) == (303, "/s/t-1")
    asked = gateway.services.last("OfferSurvey")
    tried = page.payment.link_payment
    assert asked.request.paid_id == (tried.payment_id or tried.id)
    assert asked.call.merchant_id == page.merchant.id
    gateway.services.answers["GetPayPage"] = pages_pb2.GetPayPageResponse(
        page=pay_samples.STATES["open"]()
    )
    async with gateway.request("POST", url, key=None, headers=OURS) as response:
        assert "notice=payment_link_not_paid" in response.headers["Location"]
    assert gateway.services.calls("OfferSurvey") == 1


@needs_chromium
@pytest.mark.parametrize("locale", ["it", "en"])
async def test_the_survey_is_accessible_and_fits_every_screen(gateway, locale, tab):
    for name, query, given in (
        ("empty", "", {}),
        ("missing", "&notice=survey_missing", {}),
        ("thanks", "&notice=survey_thanks", {"satisfaction": 5, "ease": 3}),
    ):
        show(gateway, **given)
        await tab.goto(f"{gateway.url}{PATH}?lang={locale}{query}")
        async for manner in looks(tab, f"survey-{name}-{locale}"):
            assert await faults(tab) == [], manner
            overflow = await tab.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, manner
    assert tab.complaints == []


@needs_chromium
async def test_a_double_submission_sends_the_same_answers(gateway, tab):
    show(gateway)
    await tab.goto(f"{gateway.url}{PATH}?lang=en")
    await tab.get_by_label("Very satisfied", exact=True).focus()
    await tab.keyboard.press("Space")
    await tab.get_by_label("Very likely", exact=True).check()
    await tab.get_by_role("button", name="Send answers").dblclick()
    # Does not wait for the navigation: the second click may abort that of the first.
    await expect(tab).to_have_url(re.compile("notice=survey_thanks"))
    await expect(tab.get_by_role("alert")).to_contain_text("Thank you!")
    given = {
        (seen.request.satisfaction, seen.request.recommendation, seen.request.HasField("ease"))
        for seen in gateway.services.seen
        if seen.name == "AnswerSurvey"
    }
    assert given == {(5, 5, False)}
