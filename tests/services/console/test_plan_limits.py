"""Plan and limits in the console: how much of each is used, for roles that may see it."""

from incasso.merchants.v1 import merchants_pb2
from incasso.notify.v1 import messages_pb2
from incasso.paylink.v1 import paylink_pb2
from libs.roles import Role
from tests.services.console.conftest import Console

PAGE = "/settings/plan"


def with_quotas(console: Console, **quotas: int) -> None:
    merchant = merchants_pb2.Merchant(quotas=quotas)
    merchant.MergeFrom(console.services.answers["GetMerchant"].merchant)
    console.services.answers["GetMerchant"] = merchants_pb2.GetMerchantResponse(merchant=merchant)
    console.services.answers["GetLinkUsage"] = paylink_pb2.GetLinkUsageResponse(used=170)
    console.services.answers["GetSmsUsage"] = messages_pb2.GetSmsUsageResponse(used=12)


async def test_each_limit_shows_its_usage(console: Console):
    with_quotas(console, links_per_month=200, sms_per_month=100, active_api_keys=20)
    page = await console.page(PAGE)
    for shown in ("170 / 200", "12 / 100", "2 / 20"):
        assert shown in page
    assert page.count("Nearly used up") == 1


async def test_a_limit_without_a_label_or_a_count_is_still_shown(console: Console):
    with_quotas(console, requests_per_second=20, warehouses=0)
    page = await console.page(PAGE)
    assert "Requests a second" in page
    assert "warehouses" in page
    assert "/ 20" not in page


async def test_usage_that_a_role_may_not_see_is_not_fetched(console: Console):
    console.act_as(Role.VIEWER)
    with_quotas(console, active_api_keys=20)
    assert "Not counted here" in await console.page(PAGE)
    assert console.services.calls("ListApiKeys") == 0


async def test_a_plan_without_limits_says_so(console: Console):
    assert "Your plan limits nothing" in await console.page(PAGE)
