from libs.chunks import chunked


def test_blocks_are_the_list_in_its_order_and_none_is_larger():
    assert [list(block) for block in chunked([1, 2, 3, 4, 5], 2)] == [[1, 2], [3, 4], [5]]
    assert list(chunked([], 2)) == []
