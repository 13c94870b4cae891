"""Saved views by RPC: one's own and shared ones are visible, other members' private ones are not."""

import asyncio
from typing import Any

import pytest

from incasso.merchants.v1 import views_pb2
from libs import context, ids
from libs.context import Call
from libs.errors import Kind, RemoteRefusal
from libs.roles import SCOPES, Role
from libs.validation import rules_of
from services.merchants.errors import ViewNotFound
from services.merchants.flows import views as flows
from services.merchants.rules import views as rules
from tests.services.merchants.conftest import Merchants, refusal, violations
from tests.services.merchants.people import Colleague, invite, join

QUERY = "state=captured&last4=4242"


@pytest.fixture
async def anna(service: Merchants) -> Colleague:
    merchant_id = (await service.create()).merchant.id
    return await join(service, merchant_id)


@pytest.fixture
async def bruno(service: Merchants, anna: Colleague) -> Colleague:
    """Her colleague."""
    return await join(service, anna.merchant_id, "bruno@shop.example", "viewer")


def by(who: Colleague) -> dict[str, str]:
    return {"merchant_id": who.merchant_id, "actor": who.member_id}


async def save(service: Merchants, who: Colleague, name: str = "Visa", **more: Any) -> Any:
    fields = {"path": "/payments", "query": QUERY, "shared": False, **more}
    return (await service.call("SaveView", name=name, **by(who), **fields)).view


async def names(service: Merchants, who: Colleague, path: str = "") -> list[str]:
    answer = await service.call("ListViews", path=path or None, **by(who))
    return [view.name for view in answer.data]


async def test_a_private_view_is_visible_to_its_member_only(service, anna, bruno):
    view = await save(service, anna)
    assert (view.member_id, view.member_name) == (anna.member_id, "Anna Rossi")
    (found,) = (await service.call("ListViews", path="/payments", **by(anna))).data
    assert found == view
    assert found.query == QUERY
    assert await names(service, anna, "/links") == []
    assert await names(service, bruno) == []


async def test_a_shared_view_is_visible_to_all_members_but_not_to_other_merchants(
    service, anna, bruno
):
    await save(service, anna, "zeta")
    await save(service, bruno, "Alfa", shared=True)
    elsewhere = await join(service, (await service.create()).merchant.id, "carla@shop.example")
    assert await names(service, anna) == ["Alfa", "zeta"]
    assert await names(service, bruno) == ["Alfa"]
    assert await names(service, elsewhere) == []


async def test_saving_a_view_with_the_same_name_and_list_replaces_it(service, anna, bruno):
    first = await save(service, anna)
    service.time.advance(hours=1)
    again = await save(service, anna, query="state=refunded", shared=True)
    assert (again.id, again.created_at) == (first.id, first.created_at)
    assert (again.query, again.shared) == ("state=refunded", True)
    assert again.changed_at != first.changed_at
    others = [await save(service, anna, path="/links"), await save(service, bruno)]
    assert len({first.id, *(one.id for one in others)}) == 3


async def test_concurrent_saves_of_one_view_create_one(service, anna):
    saved = await asyncio.gather(*(save(service, anna) for _ in range(4)))
    assert len({view.id for view in saved}) == 1


async def test_a_view_can_be_renamed_shared_and_deleted_by_its_member(service, anna, bruno):
    view = await save(service, anna)
    changed = await service.call("UpdateView", view_id=view.id, name="Carte", **by(anna))
    assert (changed.view.name, changed.view.shared) == ("Carte", False)
    await service.call("UpdateView", view_id=view.id, shared=True, **by(anna))
    assert await names(service, bruno) == ["Carte"]
    await service.call("DeleteView", view_id=view.id, **by(anna))
    assert await names(service, anna) == []
    gone = service.call("DeleteView", view_id=view.id, **by(anna))
    assert await refusal(gone) == (Kind.NOT_FOUND, "view_not_found")


async def test_a_view_cannot_be_renamed_to_an_existing_name(service, anna):
    await save(service, anna, "Visa")
    other = await save(service, anna, "Carte")
    renamed = service.call("UpdateView", view_id=other.id, name="Visa", **by(anna))
    assert await refusal(renamed) == (Kind.CONFLICT, "view_exists")


async def test_others_cannot_change_a_view_or_detect_a_private_one(service, anna, bruno):
    private, shared = await save(service, anna), await save(service, anna, "Tutti", shared=True)
    stranger = await join(service, (await service.create()).merchant.id, "carla@shop.example")
    missing, others = (Kind.NOT_FOUND, "view_not_found"), (Kind.FORBIDDEN, "view_of_another_member")
    for who, view, expected in (
        (bruno, private, missing),
        (bruno, shared, others),
        (stranger, private, missing),
        (stranger, shared, missing),
    ):
        for rpc, fields in (("UpdateView", {"name": "Mia"}), ("DeleteView", {})):
            refused = service.call(rpc, view_id=view.id, **fields, **by(who))
            assert await refusal(refused) == expected, (rpc, view.name)
    assert await names(service, anna) == ["Tutti", "Visa"]


async def test_an_owner_can_delete_only_shared_views_of_others(service, anna, bruno):
    private, shared = await save(service, bruno), await save(service, bruno, "Tutti", shared=True)
    owner = Call(anna.merchant_id, anna.member_id, scopes=SCOPES[Role.OWNER])
    context.set_current(owner)
    await flows.delete_view(service.deps, shared.id)
    with pytest.raises(ViewNotFound):
        await flows.delete_view(service.deps, private.id)
    assert await names(service, bruno) == ["Visa"]


async def test_removing_a_member_deletes_only_their_private_views(service, anna, bruno):
    await save(service, bruno, "privata")
    await save(service, bruno, "comune", shared=True)
    fields = {"merchant_id": anna.merchant_id, "member_id": bruno.member_id}
    await service.call("RemoveMember", **fields)
    assert await names(service, bruno) == await names(service, anna) == ["comune"]
    assert await refusal(save(service, bruno)) == (Kind.CONFLICT, "member_ended")


async def test_only_joined_members_can_save_views(service, anna):
    nobody = Colleague(ids.new("mem"), anna.merchant_id, "", "")
    invited = await invite(service, anna.merchant_id, "carla@shop.example")
    assert await refusal(save(service, nobody)) == (Kind.NOT_FOUND, "member_not_found")
    waiting = Colleague(invited.id, anna.merchant_id, "", "")
    assert await refusal(save(service, waiting)) == (Kind.CONFLICT, "member_ended")


async def test_views_are_limited_per_member_and_shared_ones_per_merchant(
    service, anna, bruno, monkeypatch
):
    monkeypatch.setattr(rules, "MOST_OF_MEMBER", 2)
    monkeypatch.setattr(rules, "MOST_SHARED", 1)
    full = (Kind.CONFLICT, "too_many_views")
    await save(service, anna, "1", shared=True)
    await save(service, anna, "2")
    assert await refusal(save(service, anna, "3")) == full
    await save(service, anna, "2", query="state=refunded")  # replaces
    assert await refusal(save(service, bruno, "1", shared=True)) == full
    private = await save(service, bruno, "1")
    shared = service.call("UpdateView", view_id=private.id, shared=True, **by(bruno))
    assert await refusal(shared) == full


async def test_concurrent_saves_do_not_exceed_the_limit(service, anna, monkeypatch):
    monkeypatch.setattr(rules, "MOST_OF_MEMBER", 2)
    work = [save(service, anna, str(number)) for number in range(4)]
    results = await asyncio.gather(*work, return_exceptions=True)
    refused = [each.reason for each in results if isinstance(each, RemoteRefusal)]
    assert refused == ["too_many_views"] * 2


def test_one_answer_can_hold_all_views_a_member_can_see():
    answer = views_pb2.ListViewsResponse.DESCRIPTOR.fields_by_name["data"]
    most = rules.MOST_OF_MEMBER + rules.MOST_SHARED
    assert most <= rules_of(answer).max_items


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 61),
        ("path", "https://evil.example"),
        ("path", "/" + "x" * 100),
        ("query", ""),
        ("query", "x" * 1001),
    ],
)
async def test_an_invalid_view_is_refused_naming_the_field(service, anna, field, value):
    assert list(await violations(save(service, anna, **{field: value}))) == [field]
