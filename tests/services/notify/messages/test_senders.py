"""The sender of a text message: a name only where it is registered."""

import pytest
from cryptography.fernet import Fernet
from pydantic import ValidationError

from incasso.paylink.v1 import paylink_pb2
from services.notify.config import Config
from services.notify.messages.rules.senders import Sender
from tests.services.notify.messages.world import World

CONFIG = {
    "merchants_target": "x",
    "oneclick_target": "x",
    "paylink_target": "x",
    "instalments_target": "x",
    "cod_target": "x",
    "reporting_target": "x",
    "seal_keys": Fernet.generate_key().decode(),
    "public_url": "https://pay.example",
    "smtp_url": "smtp://mx.example",
    "mail_from": "pay@incasso.example",
    "database_url": "postgresql://db.example/notify",
    "nats_url": "nats://nats.example",
    "grpc_port": 50051,
    "admin_port": 9090,
    "identity_key_file": "key.pem",
    "trust_dir": "trust",
}


@pytest.mark.parametrize(
    ("to", "sender"), [("+393331234567", "+390200000000"), ("+41791234567", "Incasso")]
)
async def test_the_sender_name_is_used_only_where_it_is_registered(
    world: World, to: str, sender: str
):
    await world.ask_sms(recipient=paylink_pb2.Recipient(phone=to))
    await world.turn()
    (taken,) = world.sms.taken
    assert (taken["to"], taken["from"]) == (to, sender)


def test_without_a_number_there_is_no_sender_where_the_name_is_unregistered():
    assert Sender("", "Incasso", ("+41",)).to("+393331234567") == ""
    assert Sender("", "Incasso", ()).to("+41791234567") == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"twilio_from": "Incasso"},
        {"twilio_sender_name": "a name of more than eleven"},
        {"twilio_sender_name": "12345"},
        {"twilio_sender_name": "Perché"},
        {"twilio_sender_name_prefixes": "39"},
        {"twilio_sender_name_prefixes": "+39,IT"},
    ],
)
def test_a_sender_that_networks_would_block_is_an_invalid_setting(wrong: dict[str, str]):
    with pytest.raises(ValidationError) as refused:
        Config(**{**CONFIG, **wrong})
    assert [error["loc"][0] for error in refused.value.errors()] == list(wrong)


def test_a_number_with_a_registered_name_is_a_valid_setting():
    Config(
        **CONFIG,
        twilio_from="+390200000000",
        twilio_sender_name="Incasso 24",
        twilio_sender_name_prefixes="+39, +41",
    )
