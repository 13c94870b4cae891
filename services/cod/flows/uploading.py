"""Courier files: read whole, and recorded block by block as by call.

After a crash or without an answer, send the file again: blocks already recorded change nothing.
"""

from libs import context, threads
from libs.errors import required
from services.cod.deps import Deps
from services.cod.errors import (
    CourierFileUnreadable,
    CourierNotFound,
    EventColumnsMissing,
    ManifestColumnsMissing,
)
from services.cod.flows import dispatching, files
from services.cod.rules import event_files, manifest_files, parcels
from services.cod.rules.acknowledging import Acknowledgement
from services.cod.rules.courier_events import CourierEvent
from services.cod.rules.couriers import Courier
from services.cod.rules.event_files import EventFile
from services.cod.rules.manifest_files import Manifest
from services.cod.store.couriers import COURIERS


async def upload_manifest(deps: Deps, courier_id: str, file: str) -> Manifest:
    data = await files.bytes_of(file, CourierFileUnreadable)
    courier = await _courier(deps, courier_id)
    if courier.manifest_columns is None:
        raise ManifestColumnsMissing
    read = await threads.run(manifest_files.read, data, courier)
    lines = files.lines_of(read, CourierFileUnreadable)
    twice = parcels.twice(lines)
    answers: list[Acknowledgement] = []
    for block in manifest_files.blocks(lines):
        answers += await dispatching.acknowledge(deps, courier.id, block, twice)
    return manifest_files.summed(lines, answers)


async def upload_event_file(deps: Deps, courier_id: str, file: str) -> EventFile:
    data = await files.bytes_of(file, CourierFileUnreadable)
    courier = await _courier(deps, courier_id)
    if courier.event_columns is None:
        raise EventColumnsMissing
    read = await threads.run(event_files.read, data, courier, deps.clock.now())
    events = files.lines_of(read, CourierFileUnreadable)
    kept: list[CourierEvent] = []
    for block in event_files.blocks(events):
        kept += await dispatching.record_courier_events(deps, courier.id, block)
    return event_files.summed(kept)


async def _courier(deps: Deps, courier_id: str) -> Courier:
    found = await deps.db.run(COURIERS.get, context.merchant_id(), courier_id)
    return required(found, CourierNotFound)
