"""`incasso merchants` and `incasso keys` against the real service."""

import re

import pytest

from stack.keys import write_pair
from tests.cli.conftest import Command
from tests.services.merchants.conftest import authenticate, refusal

CREATE = ("merchants", "create", "Bottega", "--country", "it", "--currency", "eur", "--test")


async def test_a_merchant_is_created_and_its_secrets_are_shown_once(incasso: Command, merchants):
    done = await incasso(*CREATE)
    assert done.exit_code == 0, done.output
    secret = re.search(r"sk_\w{32}", done.stdout).group()
    assert re.search(r"pk_\w{32}", done.stdout)
    assert "it cannot be shown again" in done.stdout
    merchant_id = (await authenticate(merchants, secret)).merchant_id
    assert merchant_id in done.stdout
    for arguments in (
        ("merchants", "show", merchant_id),
        ("keys", "list", "--merchant", merchant_id),
    ):
        shown = await incasso(*arguments)
        assert shown.exit_code == 0, shown.output
        assert not re.search(r"[sp]k_\w{32}", shown.stdout)


async def test_scripts_get_the_json_of_the_rest_api(incasso: Command):
    made = await incasso.json(*CREATE)
    assert made["merchant"]["test"] is True
    assert [key["kind"] for key in made["api_keys"]] == ["secret", "publishable"]
    assert made["api_keys"][0]["state"] == "active"
    assert made["api_keys"][0]["secret"].startswith("sk_")
    assert "expires_at" not in made["api_keys"][0]
    assert made["merchant"]["created_at"].endswith("Z")
    shown = await incasso.json("merchants", "show", made["merchant"]["id"])
    assert shown == made["merchant"]


async def test_lists_are_paginated(incasso: Command):
    empty = await incasso("merchants", "list")
    assert "incasso merchants create" in empty.stdout
    made = [(await incasso.json(*CREATE))["merchant"]["id"] for _ in range(3)]
    first = await incasso("merchants", "list", "--limit", "2")
    assert made[2] in first.stdout
    assert made[0] not in first.stdout
    cursor = re.search(r"--cursor (\S+)", first.stdout).group(1)
    page = await incasso.json("merchants", "list", "--cursor", cursor)
    assert [merchant["id"] for merchant in page["data"]] == [made[0]]


async def test_control_characters_in_a_name_never_reach_the_terminal(incasso: Command, merchants):
    refused = await incasso(*CREATE[:2], "Bot\x1b[2Jtega", *CREATE[3:])
    assert "U+001B" in refused.output
    made = await incasso.json(*CREATE)
    async with merchants.deps.db.connection() as conn:  # stored before such names were refused
        await conn.execute("UPDATE merchants SET name = $1", "[red]Bot\x1b[2Jtega")
    shown = await incasso("merchants", "show", made["merchant"]["id"])
    assert "\x1b[2J" not in shown.stdout
    assert "[red]Bot\N{REPLACEMENT CHARACTER}[2Jtega" in shown.stdout


async def test_times_are_shortened_in_tables_and_complete_in_json(incasso: Command):
    made = await incasso.json(*CREATE)
    assert made["merchant"]["created_at"] == "2026-11-20T12:00:00Z"
    assert "2026-11-20 12:00 " in (await incasso("merchants", "list")).stdout


async def test_a_refused_field_is_named(incasso: Command):
    done = await incasso(*CREATE[:3], "--country", "XX", "--currency", "EUR")
    assert done.exit_code == 1
    assert "country: must be an ISO 3166-1 country code" in done.stderr
    assert done.stdout == ""


async def test_keys_are_created_rotated_and_revoked(incasso: Command, merchants):
    made = await incasso.json(*CREATE)
    of = ("--merchant", made["merchant"]["id"])
    key = await incasso.json(
        "keys",
        "create",
        *of,
        "--name",
        "shop",
        "--scope",
        "payments:read",
        "--scope",
        "payments:write",
    )
    assert key["scopes"] == ["payments:read", "payments:write"]
    new = await incasso.json("keys", "rotate", key["id"], *of, "--overlap", "0")
    assert new["scopes"] == key["scopes"]
    assert (await refusal(authenticate(merchants, key["secret"])))[1] == "api_key_revoked"
    revoked = await incasso("keys", "revoke", new["id"], *of, "--yes")
    assert revoked.exit_code == 0
    assert (await refusal(authenticate(merchants, new["secret"])))[1] == "api_key_revoked"
    listed = await incasso("keys", "list", *of)
    assert listed.stdout.count("revoked") == 2
    assert listed.stdout.count("active") == 2


async def test_a_fresh_key_is_shown_with_a_warning(incasso: Command):
    made = await incasso.json(*CREATE)
    done = await incasso(
        "keys", "create", "--merchant", made["merchant"]["id"], "--kind", "publishable"
    )
    assert re.search(r"pk_\w{32}", done.stdout)
    assert "Shown only once" in done.stdout


async def test_revoking_a_key_asks_for_confirmation(incasso: Command, merchants):
    made = await incasso.json(*CREATE)
    key = made["api_keys"][0]
    command = ("keys", "revoke", key["id"], "--merchant", made["merchant"]["id"])
    done = await incasso(*command, answer="n\n")
    assert done.exit_code == 1
    assert await authenticate(merchants, key["secret"])
    assert (await incasso(*command, answer="y\n")).exit_code == 0
    assert (await refusal(authenticate(merchants, key["secret"])))[1] == "api_key_revoked"


@pytest.mark.parametrize(
    ("arguments", "reason", "next_step"),
    [
        (("merchants", "show", "mer_0"), "merchant_not_found", "incasso merchants list"),
        (("keys", "rotate", "key_0", "--merchant", "mer_0"), "api_key_not_found", "keys list"),
        (("merchants", "list", "--cursor", "x"), "cursor_invalid", "--cursor"),
        (
            ("keys", "create", "--merchant", "mer_0", "--scope", "payments:steal"),
            "scope_unknown",
            "",
        ),
    ],
)
async def test_a_refusal_says_why_and_what_to_do(incasso: Command, arguments, reason, next_step):
    done = await incasso(*arguments)
    assert done.exit_code == 1
    assert f"({reason})" in done.stderr
    assert next_step in done.stderr


async def test_a_missing_option_is_a_usage_error(incasso: Command):
    done = await incasso("keys", "list")
    assert done.exit_code == 2
    assert "--merchant" in done.stderr


async def test_without_a_target_the_command_says_which_variable_to_set():
    done = await Command({})("merchants", "list")
    assert done.exit_code == 78
    assert "export INCASSO_MERCHANTS_TARGET=" in done.stderr


@pytest.mark.parametrize("file", ["", "/nowhere.key"])
async def test_without_a_key_the_command_says_which_variable_to_set(merchants, file: str):
    env = {"INCASSO_MERCHANTS_TARGET": merchants.target, "INCASSO_IDENTITY_KEY_FILE": file}
    done = await Command(env)("merchants", "list")
    assert done.exit_code == 78
    assert "export INCASSO_IDENTITY_KEY_FILE=" in done.stderr


async def test_an_unknown_identity_key_is_reported_as_a_configuration_error(merchants, tmp_path):
    write_pair(tmp_path / "own.key")
    env = {"INCASSO_MERCHANTS_TARGET": merchants.target}
    env["INCASSO_IDENTITY_KEY_FILE"] = str(tmp_path / "own.key")
    done = await Command(env)("merchants", "list")
    assert done.exit_code == 78
    assert "operator.pub" in done.stderr


async def test_a_tls_key_without_a_certificate_is_a_configuration_error(incasso: Command):
    command = Command({**incasso.env, "INCASSO_TLS_KEY_FILE": "tls.key"})
    assert (await command("merchants", "list")).exit_code == 78


async def test_an_unreachable_service_warns_that_a_write_may_have_been_done(free_port):
    command = Command({"INCASSO_MERCHANTS_TARGET": f"127.0.0.1:{free_port()}"})
    read = await command("merchants", "list")
    assert read.exit_code == 3
    assert "incasso health" in read.stderr
    assert "may have taken effect" not in read.stderr
    written = await command(*CREATE)
    assert written.exit_code == 3
    assert "may have taken effect" in written.stderr


async def test_operators_set_a_merchants_contact_and_stop_a_bank_account_change(
    incasso: Command, merchants
):
    made = (await incasso.json(*CREATE, "--contact", "owner@bottega.example"))["merchant"]
    assert made["contact_email"] == "owner@bottega.example"
    changed = await incasso("merchants", "contact", made["id"], "capo@bottega.example")
    assert "capo@bottega.example" in changed.stdout
    for iban in ("IT60X0542811101000000123456", "DE89370400440532013000"):
        account = {"holder": "Bottega", "iban": iban}
        await merchants.call("ChangeBankAccount", merchant_id=made["id"], **account)
    assert "pending_bank_account" in await incasso.json("merchants", "show", made["id"])
    stopped = await incasso("merchants", "stop-bank-account", made["id"])
    assert stopped.exit_code == 0, stopped.output
    assert "pending_bank_account" not in await incasso.json("merchants", "show", made["id"])
