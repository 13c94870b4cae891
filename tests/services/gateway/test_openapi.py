import json
from functools import cache

from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from libs import json_out
from services.gateway.openapi import comments, document
from tests.services.gateway.samples import ROUTES, every_route, name_of, sample


@cache
def built():
    return document.build(ROUTES, public_url="http://127.0.0.1:8080")


def operation_of(route):
    return built()["paths"][route.path][route.method.lower()]


def resolved(schema):
    """A self-contained schema, with the components that it refers to."""
    return {**schema, "components": built()["components"]}


def component(reference):
    """The component that a "$ref" refers to."""
    _, _, kind, name = reference["$ref"].split("/")
    return built()["components"][kind][name]


def test_the_document_is_valid():
    assert built()["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(built()).iter_errors()) == []


async def test_the_document_is_served_and_deterministic(gateway):
    async with gateway.request("GET", "/openapi.json", key=None) as response:
        served = await response.json()
    again = document.build(ROUTES, public_url="http://127.0.0.1")
    assert served == json.loads(json_out.dump(again))
    assert json_out.dump(document.build(ROUTES, public_url="http://127.0.0.1:8080")) == (
        json_out.dump(built())
    )


@every_route
def test_every_operation_has_a_summary_and_its_idempotency_key_parameter(route):
    operation = operation_of(route)
    assert operation["operationId"] == route.rpc.name
    assert operation["summary"]
    assert not operation["summary"].endswith(".")
    assert operation["description"].startswith(operation["summary"])
    assert "Errors:" not in operation["description"]
    keys = [p for p in operation.get("parameters", []) if p["name"] == "Idempotency-Key"]
    assert len(keys) == (not route.reads_only)
    assert all(key["required"] == route.rules.idempotency_key_required for key in keys)


@every_route
def test_every_operation_has_examples_that_fit_its_schemas(route):
    operation = operation_of(route)
    answers = operation["responses"][str(route.success_status)]["content"]
    contents = [] if route.downloads else [answers["application/json"]]
    if route.body:
        contents.append(operation["requestBody"]["content"]["application/json"])
    for content in contents:
        validator = OAS31Validator(resolved(content["schema"]))
        assert list(validator.iter_errors(content["example"])) == []


@every_route
async def test_the_examples_are_acceptable_requests(gateway, route):
    one = sample(route)
    async with gateway.request(route.method, one.path, **one.arguments()) as response:
        assert response.status == route.success_status, await response.text()


@every_route
def test_every_operation_lists_its_errors_with_examples(route):
    responses = operation_of(route)["responses"]
    own = comments.errors(route.rpc.full_name)
    for status, code in [*own, (401, "api_key_missing"), (400, "invalid_argument")]:
        response = component(responses[str(status)])
        examples = response["content"]["application/problem+json"]["examples"]
        assert component(examples[code])["value"]["status"] == status
    assert own or "none of its own" in comments.of(route.rpc.full_name)


def test_scopes_and_publishable_calls_are_documented():
    by_name = {name_of(route): operation_of(route) for route in ROUTES}
    refund = by_name["RefundPayment"]
    assert refund["security"] == [{"secretKey": []}]
    assert refund["x-scope"] == "refunds:write"
    assert "`refunds:write`" in refund["description"]
    secret = built()["components"]["securitySchemes"]["secretKey"]["description"]
    assert all(f"`{route.rules.scope}`" in secret for route in ROUTES if route.rules.scope)
    assert {"publishableKey": []} in by_name["PayOneClickSession"]["security"]


def test_a_field_sent_in_a_header_is_a_parameter_and_not_in_the_body():
    by_name = {name_of(route): operation_of(route) for route in ROUTES}
    for name in ("GetOneClickSession", "PayOneClickSession", "UndoOneClickPayment"):
        [parameter] = [p for p in by_name[name]["parameters"] if "ecret" in p["name"]]
        assert (parameter["name"], parameter["in"]) == ("Incasso-Client-Secret", "header")
    undo = built()["components"]["schemas"]["UndoOneClickPaymentRequest"]
    assert set(undo["properties"]) == {"amount", "remove"}


def test_fields_in_the_path_are_not_in_the_body_schema():
    capture = built()["components"]["schemas"]["CapturePaymentRequest"]
    assert list(capture["properties"]) == ["amount"]
    assert capture["additionalProperties"] is False


async def test_the_api_reference_refers_to_no_external_urls(gateway):
    async with gateway.request("GET", "/docs", key=None) as response:
        text = await response.text()
        assert "unsafe-inline" not in response.headers["Content-Security-Policy"].split("style")[0]
    assert "://" not in text
    for path in ("docs.js", "scalar.js"):
        async with gateway.request("GET", f"/docs/{path}", key=None) as response:
            assert response.status == 200
