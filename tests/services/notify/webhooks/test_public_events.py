"""The list of public events against the contracts: none is forgotten, none is invented."""

import importlib
import re
from pathlib import Path

from libs import descriptors, json_out
from services.notify import public_events

PROTOS = Path(__file__).resolve().parents[4] / "protos" / "incasso"
# Told to our own services only.
INTERNAL = {
    "incasso.merchants.test_clock.advanced",
    "incasso.paylink.payment_link.message_requested",
}


def contracts() -> dict[str, str]:
    """Subject → message of every event in the contracts."""
    found = {}
    for path in sorted(PROTOS.glob("*/v1/events.proto")):
        package = f"incasso.{path.parent.parent.name}.v1"
        module = importlib.import_module(f"{package}.events_pb2")
        text = re.sub(r"\n// ", " ", path.read_text())
        said = re.findall(r"Subject\s+(incasso\.[a-z_.]+[a-z])\.\nmessage (\w+) ", text)
        assert {name for _, name in said} == set(module.DESCRIPTOR.message_types_by_name), (
            f"{path}: each event's comment ends with its subject"
        )
        found |= {subject: f"{package}.{name}" for subject, name in said}
    return found


def test_every_event_is_public_or_internal():
    told = contracts()
    assert set(public_events.MESSAGES) | INTERNAL == set(told)
    assert not set(public_events.MESSAGES) & INTERNAL


def test_every_public_event_has_the_message_of_the_contracts():
    told = contracts()
    assert {s: told[s] for s in public_events.MESSAGES} == dict(public_events.MESSAGES)


def test_types_are_unique_over_all_services():
    assert len(public_events.TYPES) == len(public_events.MESSAGES)


def test_every_public_message_has_a_form_in_our_json():
    for name in [*public_events.MESSAGES.values(), public_events.TEST_MESSAGE]:
        message = descriptors.message(name)
        assert json_out.plain(message._concrete_class()) is not None
