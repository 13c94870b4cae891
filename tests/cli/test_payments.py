"""`incasso payments` and `incasso psp-accounts`."""

from incasso.payments.v1 import payments_pb2 as pb
from tests.cli.conftest import AT, Command

OF = ("--merchant", "mer_1")


async def test_a_psp_account_is_added_once_and_listed(incasso_payments: Command, payments):
    add = ("psp-accounts", "add", "sandbox-a", *OF, "--psp", "sandbox")
    done = await incasso_payments(*add)
    assert done.exit_code == 0, done.output
    assert "psa_1" in done.stdout
    call, request = payments[0].calls[0]
    assert (call.merchant_id, call.actor) == ("mer_1", "operator")
    assert (request.name, request.psp, request.credentials) == ("sandbox-a", "sandbox", "sandbox-a")
    again = await incasso_payments(*add)
    assert again.exit_code == 1
    assert "psp_account_exists" in again.stderr
    listed = await incasso_payments.json("psp-accounts", "list", *OF)
    assert [account["name"] for account in listed["data"]] == ["sandbox-a"]


async def test_missing_credentials_say_where_to_put_them(incasso_payments: Command):
    done = await incasso_payments(
        "psp-accounts", "add", "x", *OF, "--psp", "stripe", "--credentials", "nowhere"
    )
    assert done.exit_code == 1
    assert "INCASSO_PSP_CREDENTIALS_DIR" in done.stderr


async def test_an_empty_psp_account_list_says_how_to_add_one(incasso_payments: Command):
    assert "psp-accounts add" in (await incasso_payments("psp-accounts", "list", *OF)).stdout


async def test_a_payment_is_shown_with_decimal_amounts(incasso_payments: Command):
    done = await incasso_payments("payments", "show", "pay_1", *OF)
    assert done.exit_code == 0, done.output
    for text in ("59.90 EUR", "10.00 EUR", "partially_refunded", "ref_1", "succeeded"):
        assert text in done.stdout
    found = await incasso_payments.json("payments", "show", "pay_1", *OF)
    assert found["amount"] == {"amount_minor": 5990, "currency": "EUR"}
    assert found["state"] == "partially_refunded"
    assert found["metadata"] == {"cart": "7"}


async def test_an_unknown_payment_is_refused(incasso_payments: Command):
    done = await incasso_payments("payments", "show", "pay_2", *OF)
    assert done.exit_code == 1
    assert "payment_not_found" in done.stderr


async def test_unresolved_attempts_are_listed_and_their_absence_is_stated(
    incasso_payments: Command, payments
):
    assert "Every outcome is known" in (await incasso_payments("payments", "unresolved")).stdout
    payments[0].attempts.append(
        pb.UnresolvedAttempt(id="att_1", kind="capture", amount_minor=5, created_at=AT)
    )
    done = await incasso_payments("payments", "unresolved")
    assert "att_1" in done.stdout
    assert (await incasso_payments.json("payments", "unresolved"))["data"][0]["kind"] == "capture"


SETTLE = ("payments", "settle-attempt", "att_1", *OF, "--note", "seen in the console")


async def test_an_attempt_is_settled_with_its_outcome_and_the_action_is_listed(
    incasso_payments: Command, payments
):
    assert "Nothing yet" in (await incasso_payments("payments", "actions")).stdout
    done = await incasso_payments(*SETTLE, "--as", "not-done", "--operator", "giulia")
    assert done.exit_code == 0, done.output
    assert "att_1 is settled as not-done" in done.stdout
    call, request = payments[0].calls[0]
    assert call.merchant_id == "mer_1"
    assert (request.outcome, request.operator, request.note) == (
        pb.SettleAttemptRequest.OUTCOME_NOT_DONE,
        "giulia",
        "seen in the console",
    )
    listed = await incasso_payments.json("payments", "actions")
    assert (listed["data"][0]["operator"], listed["data"][0]["outcome"]) == ("giulia", "not_done")


async def test_settling_without_the_operator_option_still_names_an_operator(
    incasso_payments: Command, payments
):
    assert (await incasso_payments(*SETTLE, "--as", "done")).exit_code == 0
    assert payments[0].calls[0][1].operator


async def test_settling_a_resolved_attempt_is_refused_with_a_next_step(incasso_payments: Command):
    done = await incasso_payments(
        "payments", "settle-attempt", "att_2", *OF, "--note", "x", "--as", "done"
    )
    assert done.exit_code == 1
    assert "attempt_not_unresolved" in done.stderr
    assert "incasso payments show" in done.stderr
