"""Valid requests for every route, made from the examples of the reference."""

from dataclasses import dataclass
from typing import Any

from libs import json_values, validation
from services.gateway.openapi import examples
from services.gateway.routes import Route, all_routes
from tests.kit.grouped_cases import grouped

ROUTES = all_routes()


def name_of(route: Route) -> str:
    return str(route.rpc.name)


def service_of(route: Route) -> str:
    return str(route.rpc.containing_service.name)


every_route = grouped("route", ROUTES, by=service_of, ids=name_of)


@dataclass
class Sample:
    path: str
    body: Any
    query: dict[str, str]
    headers: dict[str, str]
    file: bytes | None = None

    def arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = {"headers": self.headers}
        if self.body is not None:
            found["json"] = self.body
        if self.file is not None:
            found["data"] = self.file
        if self.query:
            found["params"] = self.query
        return found


def in_path(route: Route) -> dict[str, Any]:
    """Values for the fields in the path; a text is made from its name."""
    fields = route.rpc.input_type.fields_by_name
    return {
        name: f"{name[:3]}_1"
        if fields[name].type == fields[name].TYPE_STRING
        else examples.of_field(fields[name], request=True)
        for name in route.path_fields
    }


def sample(route: Route) -> Sample:
    path = route.path
    for name, value in in_path(route).items():
        path = path.replace(f"{{{name}}}", str(value))
    body = None
    message = route.rpc.input_type
    if route.body == "*":
        body = examples.of_message(message, request=True, without=route.elsewhere)
    elif route.body:
        inner = json_values.message_of(message.fields_by_name[route.body])
        body = examples.of_message(inner, request=True)
    query = {}
    if not route.body:
        for field in message.fields:
            if validation.rules_of(field).required and field.name not in route.path_fields:
                query[field.name] = str(examples.of_field(field, request=True))
    headers = {"Idempotency-Key": "k-1"} if route.rules.idempotency_key_required else {}
    return Sample(path, body, query, headers, b"a file" if route.uploads else None)
