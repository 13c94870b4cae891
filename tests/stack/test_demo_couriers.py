"""The API accepts the demo merchant's couriers."""

import json

import pytest

from incasso.cod.v1 import cod_pb2 as pb
from libs import validation, wire
from services.cod.rules import couriers
from services.cod.rules.couriers import CourierTerms
from services.gateway.rules import json_in
from stack.demo_couriers import EXAMPLES
from tests.services.cod.test_offers import AT


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_each_courier_example_is_valid_and_declares_itself_synthetic(example):
    request = pb.CreateCourierRequest()
    json_in.fill_body(request.terms, json.loads(example.read_text()))
    validation.check(request)
    terms = wire.read(CourierTerms, request.terms)
    courier = couriers.on_terms(terms, courier_id="cou_1", merchant_id="mer_1", created_at=AT)
    assert {courier.mode_of(courier.code_of(each.mode)) for each in courier.modes} == {
        each.mode for each in courier.modes
    }
    assert "synthetic" in courier.metadata["source"]
