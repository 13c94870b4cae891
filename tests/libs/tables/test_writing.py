import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Sequence

import pytest

from libs.tables import parquet, workbooks
from libs.tables.model import Format, Row
from libs.tables.writing import write
from tests.libs.tables.tables import PAYMENTS, payment

BATCH = [payment(n) for n in range(100)]
FORMATS = list(Format)


async def many(count: int) -> AsyncIterator[Sequence[Row]]:
    for _ in range(count):
        yield BATCH


async def peak(form: Format, count: int) -> int:
    """The peak of bytes allocated by Python and by Arrow."""
    import pyarrow as pa

    most = before = pa.total_allocated_bytes()

    async def batches() -> AsyncIterator[Sequence[Row]]:
        nonlocal most
        async for batch in many(count):
            gc.collect(0)  # uncollected garbage is not the writer's memory
            yield batch
            most = max(most, pa.total_allocated_bytes())  # the batch is written, or buffered

    tracemalloc.start()
    async for _ in write(PAYMENTS, form, batches()):
        pass
    _, ours = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return ours + most - before


@pytest.mark.parametrize("form", FORMATS)
async def test_memory_does_not_grow_with_the_rows(form: Format, monkeypatch):
    monkeypatch.setattr(parquet.ParquetWriter.__init__, "__kwdefaults__", {"group_rows": 300})
    monkeypatch.setattr(workbooks, "PIECE_BYTES", 2**12)
    await peak(form, 24)  # warms up imports, and caches filled by the second group
    few_rows = await peak(form, 6)
    # Whatever else allocates in this process only adds to a peak: one below the bound is proof.
    for _ in range(5):
        if (many_rows := await peak(form, 24)) < 1.5 * few_rows:
            return
    pytest.fail(f"{many_rows} bytes for 24 batches, {few_rows} for 6")


@pytest.mark.parametrize("form", FORMATS)
async def test_an_error_among_the_rows_is_raised(form: Format):
    async def broken() -> AsyncIterator[Sequence[Row]]:
        yield BATCH
        raise ConnectionError

    with pytest.raises(ConnectionError):
        [piece async for piece in write(PAYMENTS, form, broken())]


async def test_rows_are_fetched_only_as_fast_as_the_file_is_read():
    asked = 0

    async def counted() -> AsyncIterator[Sequence[Row]]:
        nonlocal asked
        while True:
            asked += 1
            yield BATCH

    pieces = write(PAYMENTS, Format.CSV, counted())
    await anext(pieces)
    await anext(pieces)
    await pieces.aclose()
    assert asked == 2


@pytest.mark.parametrize("form", FORMATS)
async def test_a_stuck_write_can_be_cancelled(form: Format):
    begun = asyncio.Event()

    async def stuck() -> AsyncIterator[Sequence[Row]]:
        yield BATCH
        begun.set()
        await asyncio.Event().wait()

    async def read() -> None:
        async for _ in write(PAYMENTS, form, stuck()):
            pass

    reading = asyncio.create_task(read())
    await begun.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


def test_each_format_has_a_media_type_and_an_extension():
    assert {form.value: form.media_type for form in Format} == {
        "csv": "text/csv",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "parquet": "application/vnd.apache.parquet",
    }
