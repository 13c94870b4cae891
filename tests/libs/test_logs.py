import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from hypothesis import given
from hypothesis import strategies as st

from libs import logs


@given(st.from_regex(r"\A[1-9][0-9]{12,18}\Z"))
def test_card_like_digit_runs_never_reach_a_log(number):
    assert number not in logs.redact(f"token {number} refused")
    spaced = " ".join(number[i : i + 4] for i in range(0, len(number), 4))
    assert spaced not in logs.redact(spaced)


def test_keys_and_addresses_are_masked():
    text = logs.redact("sk_abcdef123456 of giulia@example.com")
    assert text == "[secret] of [email]"


def test_disallowed_log_fields_are_dropped_and_named(capsys):
    event = logs._filter(None, "", {"event": "x", "email": "giulia@example.com", "status": 200})
    assert "email" not in event
    assert event["error"] == "log fields not allowed: email"
    assert event["status"] == 200


@contextmanager
def set_up() -> Iterator[None]:
    before = structlog.get_config()
    logs.set_up("test")
    yield
    structlog.configure(**before)
    logging.getLogger().handlers.clear()


def test_a_log_line_is_json_with_its_service(capsys):
    with set_up():
        structlog.get_logger().info("paid", payment_id="pay_1")
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["event"], line["service"], line["payment_id"]) == ("paid", "test", "pay_1")


def test_library_logs_have_the_same_format(capsys):
    with set_up():
        logging.getLogger("aiohttp.server").warning("from %s", "giulia@example.com")
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["event"], line["level"], line["service"]) == ("from [email]", "warning", "test")
