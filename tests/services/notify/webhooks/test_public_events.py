"""The events of the contracts: each declares its subject, and the public ones have a JSON form."""

import importlib

import pytest

from libs import descriptors, json_out, public_events
from libs.services import NAMES

# For our own services only: add a new event here if merchants must not read it.
INTERNAL = {
    "incasso.cod.order.message_requested",
    "incasso.instalments.plan.accepted",
    "incasso.instalments.plan.balance_changed",
    "incasso.instalments.plan.message_requested",
    "incasso.merchants.member.invited",
    "incasso.merchants.test_clock.advanced",
    "incasso.oneclick.session.opened",
    "incasso.oneclick.session.paid",
    "incasso.paylink.payment_link.message_requested",
    "incasso.payments.psp_account.created",
    "incasso.reporting.report.message_requested",
}


def test_every_event_is_public_or_internal():
    declared = {rules.subject: rules.public for _, rules in descriptors.events()}
    assert {subject for subject, public in declared.items() if not public} == INTERNAL
    assert set(public_events.MESSAGES) == set(declared) - INTERNAL


@pytest.mark.parametrize("service", NAMES)
def test_every_message_of_the_events_file_has_a_subject_of_its_service(service: str):
    subjects = {found.full_name: rules.subject for found, rules in descriptors.events()}
    contract = importlib.import_module(f"incasso.{service}.v1.events_pb2").DESCRIPTOR
    for message in contract.message_types_by_name.values():
        assert subjects.get(message.full_name, "").startswith(f"incasso.{service}."), (
            message.full_name
        )


def test_types_are_unique_over_all_services():
    assert len(public_events.TYPES) == len(public_events.MESSAGES)


def test_every_public_event_has_a_json_form():
    for name in [*public_events.MESSAGES.values(), public_events.TEST_MESSAGE]:
        message = descriptors.message(name)
        assert json_out.plain(message._concrete_class()) is not None
