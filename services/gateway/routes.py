"""The REST routes, read from the annotations in protos/. Calls nothing and parses nothing."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from google.api import http_pb2
from google.protobuf.descriptor import MethodDescriptor

from incasso.rest.v1 import options_pb2
from libs import descriptors, services, validation
from libs.upstreams import LOCAL

_VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_VERBS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Route:
    """One REST call. `body` is "*", the name of a field, or "" if the call has no body."""

    method: str
    path: str
    rpc: MethodDescriptor
    rules: options_pb2.MethodRules
    body: str
    response_body: str  # the field returned as the answer; "" for the whole message
    path_fields: tuple[str, ...]
    header_fields: Mapping[str, str] = field(hash=False)  # field → its header
    address_fields: tuple[str, ...]  # filled by the gateway with the browser's address

    @property
    def success_status(self) -> int:
        return self.rules.success_status or 200

    @property
    def reads_only(self) -> bool:
        return self.method == "GET"

    @property
    def uploads(self) -> bool:
        """Whether its body is a raw file."""
        return self.rules.HasField("upload")

    @property
    def downloads(self) -> bool:
        """Whether its answer is a raw file."""
        return self.rules.HasField("download")

    @property
    def lists(self) -> bool:
        """Whether its answer is a list of one of our services, which can be exported as a file. A
        list with a limit but no cursor cannot.
        """
        answer = self.rpc.output_type.fields_by_name
        ours = self.rpc.containing_service.full_name not in LOCAL
        whole = "next_cursor" in answer or "limit" not in self.rpc.input_type.fields_by_name
        is_list = "data" in answer and answer["data"].is_repeated and not self.response_body
        return self.reads_only and ours and whole and is_list

    @property
    def list_name(self) -> str:
        """The last word of its path: `payments`."""
        return [part for part in self.path.split("/") if not part.startswith("{")][-1]

    @property
    def elsewhere(self) -> Mapping[str, str]:
        """Fields that neither body nor query may contain, and the error for it."""
        in_headers = {
            name: f"is sent in the header {header}" for name, header in self.header_fields.items()
        }
        file = {self.rules.upload.field: "is the body; leave it out"} if self.uploads else {}
        return {
            **file,
            **dict.fromkeys(self.path_fields, "is part of the address; leave it out"),
            **dict.fromkeys(self.address_fields, "is filled in by the gateway; leave it out"),
            **in_headers,
        }


@cache
def all_routes() -> tuple[Route, ...]:
    """All services' routes, sorted by path."""
    found: list[Route] = []
    behind = (name for service in services.SERVICES for name in service.full_names)
    for full_name in (*behind, *LOCAL):
        for rpc in descriptors.service(full_name).methods:
            rule = descriptors.http_rule(rpc)
            if rule is not None:
                found += _routes_of(rpc, rule)
    return tuple(sorted(found, key=lambda route: (route.path, _VERBS.index(route.method.lower()))))


def _routes_of(rpc: MethodDescriptor, rule: http_pb2.HttpRule) -> Iterator[Route]:
    verb = rule.WhichOneof("pattern")
    if verb not in _VERBS:
        raise ValueError(f"{rpc.full_name}: {verb} is not a method that the gateway serves")
    path = str(getattr(rule, verb))
    fields = tuple(_VARIABLE.findall(path))
    for name in (*fields, rule.body, rule.response_body):
        owner = rpc.output_type if name and name == rule.response_body else rpc.input_type
        if name not in ("", "*") and name not in owner.fields_by_name:
            raise ValueError(f"{rpc.full_name}: its route names {name}, which is not a field")
    if descriptors.rules_of(rpc).HasField("download") and verb != "get":
        raise ValueError(f"{rpc.full_name}: what sends a file only reads")
    yield Route(
        method=verb.upper(),
        path=path,
        rpc=rpc,
        rules=descriptors.rules_of(rpc),
        body=rule.body,
        response_body=rule.response_body,
        path_fields=fields,
        header_fields={
            found.name: header
            for found in rpc.input_type.fields
            if (header := validation.rules_of(found).header)
        },
        address_fields=tuple(
            found.name
            for found in rpc.input_type.fields
            if validation.rules_of(found).browser_address
        ),
    )
    for additional in rule.additional_bindings:
        yield from _routes_of(rpc, additional)
