from libs.chunks import chunked


def test_a_list_is_split_into_blocks_in_order():
    assert [list(block) for block in chunked([1, 2, 3, 4, 5], 2)] == [[1, 2], [3, 4], [5]]
    assert list(chunked([], 2)) == []
