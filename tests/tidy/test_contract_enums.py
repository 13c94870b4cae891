"""Everything that a service stores can be returned: the contracts have a value for every member of its enums."""

import importlib
from collections.abc import Iterator
from dataclasses import is_dataclass
from enum import Enum
from typing import Any

from google.protobuf.descriptor import Descriptor

from libs import wire
from libs.hints import bare, element_of, hints_of
from tests.tidy.sources import ROOT, sources

# Rows in these states are never returned.
NEVER_SHOWN = {("Instrument", "state"): {"SETTING_UP", "REFUSED", "MERGED"}}


def dataclasses() -> Iterator[tuple[str, type]]:
    """Each dataclass, with the service that defines it."""
    for source in sources():
        if source.service is not None and source.path.name != "__main__.py":
            module = importlib.import_module(".".join(source.path.with_suffix("").parts))
            for found in vars(module).values():
                if isinstance(found, type) and is_dataclass(found):
                    yield source.service, found


def messages(service: str) -> Iterator[Descriptor]:
    for contract in (ROOT / "protos/incasso" / service / "v1").glob("*.proto"):
        module = importlib.import_module(f"incasso.{service}.v1.{contract.stem}_pb2")
        for message in module.DESCRIPTOR.message_types_by_name.values():
            yield from (message, *message.nested_types)


def enum_of(hint: Any) -> type[Enum] | None:
    for kind in (bare(hint), element_of(hint)):
        if isinstance(kind, type) and issubclass(kind, Enum):
            return kind
    return None


def test_every_member_of_an_enum_has_a_value_in_the_contract():
    """Otherwise a list fails as soon as it contains a row with that member."""
    compared, lacking = 0, set()
    for service, kind in dataclasses():
        for message in messages(service):
            if message.name != kind.__name__:
                continue
            hints = hints_of(kind)
            for name, field in message.fields_by_name.items():
                members = enum_of(hints.get(name)) if field.enum_type is not None else None
                if members is None:
                    continue
                compared += 1
                shown = wire._numbers(members, field.enum_type)
                hidden = NEVER_SHOWN.get((message.name, name), set())
                lacking |= {
                    f"{message.full_name}.{name} has no {member.name}"
                    for member in members
                    if member not in shown and member.name not in hidden
                }
    assert compared > 40
    assert lacking == set()
