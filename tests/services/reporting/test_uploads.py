"""Uploaded files are accepted completely or not at all."""

import threading

import grpc
import pytest

from incasso.common.v1.file_pb2 import FilePiece
from incasso.reporting.v1 import imports_pb2 as pb
from libs import client, context, deadlines
from libs.errors import Refusal
from libs.statements import sniffing
from services.reporting.store.imports import IMPORTS
from tests.services.reporting.files import simple, stripe_file, stripe_row
from tests.services.reporting.test_imports import pieces


async def kept(world) -> int:
    async with world.deps.db.connection() as conn:
        return await IMPORTS.count(conn, "WHERE merchant_id = $1", world.merchant_id)


async def violations(work) -> list[tuple[str, str]]:
    with pytest.raises(Refusal) as caught:
        await work
    return [(found.field, found.description) for found in caught.value.violations]


async def test_an_uploaded_file_is_imported_once(world):
    data = simple(*range(1, 2000))
    found = await world.upload(pieces(data), name="april.xml")
    assert (found.lines, found.name, found.size_bytes) == (1999, "april.xml", len(data))
    assert await world.upload(pieces(data)) == found


async def test_a_refused_file_says_where_and_why(world):
    with pytest.raises(Refusal) as caught:
        await world.upload(pieces(simple(100).replace(b"1.00</Amt>", b"1,00</Amt>")))
    assert caught.value.reason == "statement_refused"
    assert set(caught.value.facts) == {"refused_line", "refused_reason"}


async def test_an_empty_file_is_refused(world):
    with pytest.raises(Refusal, match="is empty"):
        await world.upload(pieces(b""))


async def test_a_stream_without_its_last_piece_is_refused(world):
    """The part received could pass for a complete file: rows of a CSV."""
    context.set_current(context.Call(merchant_id=world.merchant_id, actor="key_finance"))
    metadata = client._metadata(pb.ImportStatementRequest(), "")  # as in `upload`
    call = world.stubs[1].ImportStatement(metadata=metadata, timeout=deadlines.READ)
    await call.write(pb.ImportStatementRequest(psp_account="stripe-it"))
    await call.write(pb.ImportStatementRequest(file=FilePiece(data=stripe_file(stripe_row(1)))))
    await call.done_writing()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert await kept(world) == 0


async def test_an_upload_aborted_by_its_sender_is_not_imported(world):
    async def broken():
        yield stripe_file(stripe_row(1))
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await world.upload(broken(), psp_account="stripe-it")
    assert await kept(world) == 0


async def test_a_name_that_is_too_long_is_refused_before_the_file_is_read(world):
    sent = 0

    async def endless():
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 100_000

    found = await violations(world.upload(endless(), name="x" * 300))
    assert [field for field, _ in found] == ["name"]
    assert sent == 0


async def test_both_passes_over_a_file_run_off_the_event_loop(world, monkeypatch):
    reader, passes = sniffing.reader, []

    def noted(head):
        threads = set()
        passes.append(threads)

        def events(chunks):
            for event in reader(head)(chunks):
                threads.add(threading.current_thread())
                yield event

        return events

    monkeypatch.setattr(sniffing, "reader", noted)
    assert (await world.upload(pieces(simple(*range(1, 2000))))).lines == 1999
    assert [threading.main_thread() in threads for threads in passes] == [False, False]
    assert all(passes)
