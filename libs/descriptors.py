"""Reads the protos: the rules and HTTP annotations of RPCs, by the method's path."""

import functools
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import (
    Descriptor,
    FileDescriptor,
    MethodDescriptor,
    ServiceDescriptor,
)
from google.protobuf.message import Message

import incasso
from incasso.rest.v1 import options_pb2


@functools.cache
def service(full_name: str) -> ServiceDescriptor:
    """Descriptor of `incasso.payments.v1.PaymentsService`. Raises KeyError if there is none."""
    pool = descriptor_pool.Default()
    try:
        return pool.FindServiceByName(full_name)
    except KeyError:  # its stub is not imported yet
        _files()
    return pool.FindServiceByName(full_name)


def method(path: str) -> MethodDescriptor:
    """Descriptor of `/incasso.payments.v1.PaymentsService/GetPayment`."""
    owner, _, name = path.strip("/").rpartition("/")
    return service(owner).methods_by_name[name]


@functools.cache
def path_of(request: str) -> str:
    """Path of the RPC that takes the message with this full name; each RPC has its own."""
    file = descriptor_pool.Default().FindMessageTypeByName(request).file
    for owner in file.services_by_name.values():
        for found in owner.methods:
            if found.input_type.full_name == request:
                return f"/{owner.full_name}/{found.name}"
    raise LookupError(f"no RPC of {file.name} takes {request}")


def method_rules(path: str) -> options_pb2.MethodRules:
    return rules_of(method(path))


def rules_of(found: MethodDescriptor) -> options_pb2.MethodRules:
    return found.GetOptions().Extensions[options_pb2.method]


def http_rule(found: MethodDescriptor) -> http_pb2.HttpRule | None:
    """The google.api.http annotation; None for an internal RPC."""
    options = found.GetOptions()
    if not options.HasExtension(annotations_pb2.http):
        return None
    return options.Extensions[annotations_pb2.http]


@functools.cache
def _files() -> tuple[FileDescriptor, ...]:
    """Every file of the contracts, even if its stub has not been imported."""
    modules = {
        ".".join(path.relative_to(folder.parent).with_suffix("").parts): None
        for folder in map(Path, incasso.__path__)
        for path in sorted(folder.rglob("*_pb2.py"))
    }
    return tuple(importlib.import_module(name).DESCRIPTOR for name in modules)


def all_services() -> Iterator[ServiceDescriptor]:
    """Every service of the contracts."""
    for file in _files():
        yield from file.services_by_name.values()


def message(full_name: str) -> Descriptor:
    """Descriptor of `incasso.payments.v1.PaymentCaptured`. Raises KeyError if there is none."""
    _files()
    return descriptor_pool.Default().FindMessageTypeByName(full_name)


def events() -> Iterator[tuple[Descriptor, options_pb2.EventRules]]:
    """Every event of the contracts, with its subject."""
    for file in _files():
        for found in file.message_types_by_name.values():
            rules = found.GetOptions().Extensions[options_pb2.event]
            if rules.subject:
                yield found, rules


def messages_of(events: Any) -> dict[str, Any]:
    """The messages of an events module, by subject."""
    names = events.DESCRIPTOR.message_types_by_name
    found = {
        named.GetOptions().Extensions[options_pb2.event].subject: named for named in names.values()
    }
    return {subject: getattr(events, named.name) for subject, named in found.items() if subject}


def subject_of(event: Message) -> str:
    """The subject under which an event is published."""
    return _subject_of(event.DESCRIPTOR)


@functools.cache
def _subject_of(event: Descriptor) -> str:
    return event.GetOptions().Extensions[options_pb2.event].subject


@functools.cache
def event(subject: str) -> Descriptor:
    """Descriptor of the message published under this subject. Raises LookupError if there is
    none.
    """
    for found, rules in events():
        if rules.subject == subject:
            return found
    raise LookupError(f"no event has the subject {subject}")


def all_scopes() -> frozenset[str]:
    """Every scope that an RPC requires."""
    methods = (found for owner in all_services() for found in owner.methods)
    return frozenset(rules_of(found).scope for found in methods) - {""}
