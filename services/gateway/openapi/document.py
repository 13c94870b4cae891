"""The OpenAPI 3.1 document, from descriptors, rules and comments of protos/. Deterministic."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from libs import idempotency, json_values, validation
from libs.tables.model import Format
from services.gateway.openapi import answer_headers, comments, examples, problem_answers
from services.gateway.openapi.schemas import Schema, Schemas, View
from services.gateway.routes import Route

_DESCRIPTION: Final = """\
Take money by one click, once and only once.

**Keys.** `Authorization: Bearer sk_…` from your server; `pk_…` from browsers, for the calls marked
for it, with the client secret of the object in the header `Incasso-Client-Secret`. A browser sends
and sees only what its page needs: the answers to it are the schemas that end in `InBrowser`.

**Repeats are safe.** Send an `Idempotency-Key` with every call that moves money: the same key and
body give the same answer, however often you repeat. When you get no answer, or a 503, repeat with
the same key.

**Declined is an answer, not an error**: look at `state`. `processing` and `pending` mean that the
outcome comes later: never charge again in another way.

**Errors** are `application/problem+json` with a stable `code`, the wrong fields in `errors`, and the
`trace_id` that is also in the `Incasso-Trace-Id` header of every answer.

**Lists are files, too.** `Accept: text/csv`, `application/vnd.apache.parquet` or
`application/vnd.openxmlformats-officedocument.spreadsheetml.sheet` (XLSX) gives the whole list as
filtered, without `limit` and `cursor`, as an attachment. Amounts are in major units there, with a
column for their currency. A file that ends with an error of the connection is not complete.

**Amounts** are whole numbers in minor units: 5990 EUR is €59.90, 500 JPY is ¥500.
"""

# No file is this large, but every string in the document needs a bound.
_FILE: Final = {"type": "string", "format": "binary", "maxLength": 2**40}


def build(
    routes: Sequence[Route], *, public_url: str, contact_email: str = "", version: str = "v1"
) -> Schema:
    schemas = Schemas()
    paths: dict[str, dict[str, Any]] = {}
    tags: dict[str, str] = {}
    for route in routes:
        service = route.rpc.containing_service
        tags.setdefault(_tag(route), comments.description(service.full_name))
        operation = _operation(route, schemas)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Incasso API",
            "version": version,
            "summary": "Payment orchestration for online shops",
            "description": _DESCRIPTION,
            "contact": _contact(public_url, contact_email),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url, "x-internal": False}],
        "tags": [{"name": name, "description": text} for name, text in sorted(tags.items())],
        "paths": paths,
        "components": {
            "schemas": {**schemas.components(), "Problem": problem_answers.schema()},
            "responses": problem_answers.response_components(routes),
            "examples": problem_answers.example_components(routes),
            "headers": answer_headers.components(),
            "securitySchemes": _security_schemes(routes),
        },
    }


def _contact(public_url: str, email: str) -> Schema:
    """The operator of this gateway."""
    contact = {"name": urlsplit(public_url).hostname, "url": public_url}
    return {**contact, "email": email} if email else contact


def _tag(route: Route) -> str:
    return str(route.rpc.containing_service.name).removesuffix("Service")


def _operation(route: Route, schemas: Schemas) -> Schema:
    name = route.rpc.full_name
    operation: Schema = {
        "operationId": route.rpc.name,
        "tags": [_tag(route)],
        "summary": comments.summary(name),
        "description": comments.description(name),
        "security": _security(route),
    }
    if scope := route.rules.scope:
        operation["description"] += f"\n\nSecret keys need the scope `{scope}`."
        operation["x-scope"] = scope
    if parameters := _parameters(route, schemas):
        operation["parameters"] = parameters
    if route.body:
        operation["requestBody"] = _request_body(route, schemas)
    elif route.uploads:
        operation["requestBody"] = _file(route)
    operation["responses"] = {
        str(route.success_status): _success(route, schemas),
        **problem_answers.responses(route),
    }
    return operation


def _security(route: Route) -> list[dict[str, list[str]]]:
    """Scopes are listed separately: OpenAPI only declares those of OAuth."""
    secret: list[dict[str, list[str]]] = [{"secretKey": []}]
    return [*secret, {"publishableKey": []}] if route.rules.publishable else secret


def _parameters(route: Route, schemas: Schemas) -> list[Schema]:
    fields = route.rpc.input_type.fields_by_name
    found = [_parameter(fields[name], "path", schemas) for name in route.path_fields]
    if not route.body:
        found += [
            _parameter(field, "query", schemas)
            for field in route.rpc.input_type.fields
            if field.name not in route.elsewhere
            and (field.message_type is None or json_values.is_time(field))
        ]
    found += [_parameter(fields[name], "header", schemas) for name in route.header_fields]
    if not route.reads_only:
        found.append(_key_parameter(required=route.rules.idempotency_key_required))
    return found


def _parameter(field: FieldDescriptor, place: str, schemas: Schemas) -> Schema:
    schema = schemas.field(field, view=View.REQUEST)
    parameter: Schema = {
        "name": validation.rules_of(field).header if place == "header" else field.name,
        "in": place,
        "required": place == "path" or validation.rules_of(field).required,
        "description": schema.pop("description", ""),
        "schema": schema,
    }
    schema.pop("examples", None)
    if place == "path" or validation.rules_of(field).example:
        parameter["example"] = examples.of_field(field, request=True)
    return parameter


def _key_parameter(*, required: bool) -> Schema:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": required,
        "description": "A unique text per intended effect, bare or as a quoted string. The same key"
        " and body give the same answer for 30 days; with another body they give 422.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": idempotency.MAX_LENGTH,
            "pattern": "^[!-~]+$",
        },
        "example": "order-A-1001",
    }


def _request_body(route: Route, schemas: Schemas) -> Schema:
    message = route.rpc.input_type
    if route.body != "*":
        message = json_values.message_of(message.fields_by_name[route.body])
    without = route.elsewhere if route.body == "*" else ()
    schema = schemas.message(message, view=View.REQUEST, without=without)
    required = any(
        validation.rules_of(field).required for field in message.fields if field.name not in without
    )
    example = examples.of_message(message, request=True, without=without)
    return {
        "required": required or route.body != "*",
        "content": {"application/json": {"schema": schema, "example": example}},
    }


def _file(route: Route) -> Schema:
    """The file itself, of any content type."""
    name, most = route.rules.upload.field, route.rules.upload.max_bytes
    schema = {"type": "string", "format": "binary", "maxLength": most}
    field = f"{route.rpc.input_type.full_name}.{name}"
    return {
        "required": True,
        "description": f"{comments.description(field)} At most {most} bytes.",
        "content": {"application/octet-stream": {"schema": schema}},
    }


def _downloaded(route: Route) -> Schema:
    """The file itself, in one of the route's media types."""
    return {
        "description": "The file",
        "headers": answer_headers.of_file(),
        "content": {kind: {"schema": _FILE} for kind in route.rules.download.media_types},
    }


def _success(route: Route, schemas: Schemas) -> Schema:
    if route.downloads:
        return _downloaded(route)
    message = _answer_of(route)
    schema = schemas.message(message, view=View.ANSWER)
    if route.rules.publishable:
        schema = {"anyOf": [schema, schemas.message(message, view=View.BROWSER)]}
    content: Schema = {
        "application/json": {
            "schema": schema,
            "example": examples.of_message(message, request=False),
        }
    }
    if route.lists:
        content |= {form.media_type: {"schema": _FILE} for form in Format}
    return {
        "description": comments.summary(message.full_name) or "Done",
        "headers": answer_headers.of_file() if route.lists else answer_headers.of_answer(),
        "content": content,
    }


def _answer_of(route: Route) -> Descriptor:
    message = route.rpc.output_type
    if route.response_body:
        message = json_values.message_of(message.fields_by_name[route.response_body])
    return message


def _security_schemes(routes: Sequence[Route]) -> Schema:
    scopes = sorted({route.rules.scope for route in routes if route.rules.scope})
    listed = ", ".join(f"`{scope}`" for scope in scopes)
    return {
        "secretKey": {
            "type": "http",
            "scheme": "bearer",
            "description": "A secret key, `sk_…`, for servers. It must hold the scope of the call,"
            f" or `*`, which is all of them: {listed}.",
        },
        "publishableKey": {
            "type": "http",
            "scheme": "bearer",
            "description": "A publishable key, `pk_…`, for browsers, together with the client"
            " secret of the object in the header Incasso-Client-Secret.",
        },
    }
