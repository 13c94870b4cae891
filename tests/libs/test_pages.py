"""Pages of every list in the contracts stay far below gRPC's message limit."""

import pytest
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from libs import descriptors, ids, pages

GRPC_TAKES = 4 * 1024 * 1024
MOST_ELEMENTS = 100


def answers() -> list[MethodDescriptor]:
    return [
        found
        for service in descriptors.all_services()
        for found in service.methods
        if "next_cursor" in found.output_type.fields_by_name
    ]


def text_of(element: Descriptor) -> str:
    """The name of a field that takes any text."""
    return next(
        field.name
        for field in element.fields
        if field.type == field.TYPE_STRING and not field.is_repeated and field.name != "id"
    )


@pytest.mark.parametrize("rpc", answers(), ids=lambda rpc: rpc.name)
def test_a_page_of_large_elements_is_cut_and_its_cursor_continues(rpc: MethodDescriptor):
    element = rpc.output_type.fields_by_name["data"].message_type
    left = sorted((ids.new("any") for _ in range(MOST_ELEMENTS)), reverse=True)
    text, seen, turns = text_of(element), [], 0
    while left:
        page = GetMessageClass(rpc.output_type)()
        for one in left:
            page.data.add(**{"id": one, text: "è" * 25_000})
        assert page.ByteSize() > GRPC_TAKES or turns
        fitted = pages.fit(page)
        assert fitted.ByteSize() <= pages.MAX_BYTES + 100
        seen += [one.id for one in fitted.data]
        if not fitted.HasField("next_cursor"):
            break
        after = pages.page_of(limit=MOST_ELEMENTS, cursor=fitted.next_cursor, prefix="any").before
        left, turns = [one for one in left if one < after], turns + 1
    assert len(seen) == len(set(seen)) == MOST_ELEMENTS


@pytest.mark.parametrize("rpc", answers(), ids=lambda rpc: rpc.name)
def test_every_list_takes_limit_and_cursor_and_returns_elements_with_ids(rpc: MethodDescriptor):
    assert {"limit", "cursor"} <= set(rpc.input_type.fields_by_name)
    element = rpc.output_type.fields_by_name["data"].message_type
    assert element.fields_by_name["id"].type == element.fields_by_name["id"].TYPE_STRING


def test_one_element_is_returned_however_large():
    page = GetMessageClass(answers()[0].output_type)()
    element = answers()[0].output_type.fields_by_name["data"].message_type
    for _ in range(2):
        page.data.add(**{"id": ids.new("any"), text_of(element): "x" * 2 * pages.MAX_BYTES})
    assert len(pages.fit(page).data) == 1
    assert page.HasField("next_cursor")


def test_a_page_that_fits_is_unchanged():
    page = GetMessageClass(answers()[0].output_type)()
    page.data.add(id=ids.new("any"))
    before = page.SerializeToString()
    assert pages.fit(page).SerializeToString() == before
