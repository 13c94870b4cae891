import json

import pytest
from aiohttp import web

from libs.errors import Kind, OutcomeUnknown, RemoteRefusal, ScopeMissing, invalid
from libs.web.errors import HttpRefusal, MethodNotAllowed, TooManyRequests, http_status, refusal_of
from services.gateway import problems
from services.gateway.errors import ApiKeyMissing


@pytest.mark.parametrize(
    ("field", "pointer"),
    [
        ("amount.currency", "/amount/currency"),
        ("items.0.amount", "/items/0/amount"),
        ("metadata.a/b~c", "/metadata/a~1b~0c"),
        ("", ""),
    ],
)
def test_field_paths_become_json_pointers(field, pointer):
    found = problems.document(invalid(field, "is wrong"), trace_id="t")
    assert found["errors"] == [{"pointer": pointer, "detail": "is wrong"}]


def test_pointers_start_at_the_body():
    for field, pointer in [("routing", ""), ("routing.rules", "/rules"), ("routings", "/routings")]:
        found = problems.document(invalid(field, "x"), trace_id="t", body_field="routing")
        assert found["errors"][0]["pointer"] == pointer


def test_a_problem_has_the_members_of_rfc_9457():
    found = problems.document(ScopeMissing("payments:read"), trace_id="4bf9")
    assert found == {
        "type": "urn:incasso:problem:scope_missing",
        "title": "Scope missing",
        "status": 403,
        "detail": "This call needs an API key with the scope payments:read.",
        "code": "scope_missing",
        "trace_id": "4bf9",
    }


def test_facts_become_members_but_cannot_override_the_problems_own():
    facts = {"payment_id": "pay_1", "payment_state": "captured", "status": "200"}
    refusal = RemoteRefusal(Kind.CONFLICT, "order_already_paid", "No.", facts=facts)
    found = problems.document(refusal, trace_id="t")
    assert (found["payment_id"], found["payment_state"]) == ("pay_1", "captured")
    assert (found["code"], found["status"]) == ("order_already_paid", 409)


def test_refusals_map_to_their_headers_and_statuses():
    assert problems.response(ApiKeyMissing()).headers["WWW-Authenticate"] == "Bearer"
    assert problems.response(OutcomeUnknown()).headers["Retry-After"] == "1"
    assert problems.response(TooManyRequests(4.2)).headers["Retry-After"] == "5"
    assert http_status(MethodNotAllowed()) == 405
    assert http_status(HttpRefusal()) == 400
    assert HttpRefusal.reason == "bad_request"


def test_refusals_of_the_http_server_become_problems():
    for error, status, code in [
        (web.HTTPNotFound(), 404, "route_not_found"),
        (web.HTTPMethodNotAllowed("PUT", ["GET"]), 405, "method_not_allowed"),
        (web.HTTPRequestEntityTooLarge(1, 2), 413, "body_too_large"),
        (web.HTTPExpectationFailed(), 417, "expectation_failed"),
    ]:
        answer = problems.response(refusal_of(error))
        found = json.loads(answer.body)
        assert (answer.status, found["status"], found["code"]) == (status, status, code)
        assert answer.content_type == problems.MEDIA_TYPE
