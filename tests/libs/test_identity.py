"""Tokens of callers and principals are made, read and refused; keys are replaced while processes run."""

import time

import pytest

from libs import identity, watched
from libs.context import Call
from libs.errors import CallerNotAllowed, CallerUnknown
from libs.identity import Principal, Signer, Trust
from libs.watched import FileError
from stack.keys import Keys, write_pair

METHOD = "/incasso.payments.v1.PaymentsService/GetPayment"
OTHER = "/incasso.payments.v1.PaymentsService/CapturePayment"
KEY_CALL = Call(
    merchant_id="mer_1",
    actor="key_1",
    clock_offset_seconds=60,
    scopes=frozenset({"payments:read"}),
)


@pytest.fixture
def keys(tmp_path) -> Keys:
    made = Keys(tmp_path / "keys")
    made.ensure(("gateway", "console", "oneclick", "paylink"))
    return made


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch):
    monkeypatch.setattr(watched, "LOOK_SECONDS", 0.0)


def signer(keys: Keys, service: str, *, age: float = 0.0) -> Signer:
    return Signer(service, keys.private(service), now=lambda: time.time() - age)


def altered(token: str) -> str:
    at = token.rindex(".") + 10  # in the signature, where every bit counts
    return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]


def refuse(*_):
    raise CallerUnknown


def test_a_token_proves_its_service_for_its_method(keys: Keys):
    token = signer(keys, "oneclick").caller(METHOD)
    trust = Trust(keys.trust)
    assert trust.caller(token, METHOD) == "oneclick"
    assert trust.caller(token, METHOD) == "oneclick"  # from the cache
    with pytest.raises(CallerUnknown):
        trust.caller(token, OTHER)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_a_malformed_token_is_refused(keys: Keys, token: str):
    with pytest.raises(CallerUnknown):
        Trust(keys.trust).caller(token, METHOD)


def test_an_altered_token_is_refused(keys: Keys):
    token = signer(keys, "oneclick").caller(METHOD)
    with pytest.raises(CallerUnknown):
        Trust(keys.trust).caller(altered(token), METHOD)


@pytest.mark.parametrize("age", [66.0, -66.0])
def test_an_expired_or_future_token_is_refused(keys: Keys, age: float):
    token = signer(keys, "oneclick", age=age).caller(METHOD)
    with pytest.raises(CallerUnknown):
        Trust(keys.trust).caller(token, METHOD)


@pytest.mark.parametrize("age", [61.0, -3.0])
def test_a_token_is_accepted_despite_a_few_seconds_of_clock_skew(keys: Keys, age: float):
    token = signer(keys, "oneclick", age=age).caller(METHOD)
    assert Trust(keys.trust).caller(token, METHOD) == "oneclick"


def test_a_cached_token_expires_too(keys: Keys, monkeypatch):
    token = signer(keys, "oneclick").caller(METHOD)
    trust = Trust(keys.trust)
    assert trust.caller(token, METHOD) == "oneclick"
    monkeypatch.setattr(identity, "_verified", refuse)  # refuses tokens that are not cached
    assert trust.caller(token, METHOD) == "oneclick"
    later = time.time() + 66
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(CallerUnknown):
        trust.caller(token, METHOD)


def test_a_token_with_too_long_a_lifetime_is_refused(keys: Keys, monkeypatch):
    monkeypatch.setattr(identity, "LIFE_SECONDS", 3600)
    token = signer(keys, "oneclick").caller(METHOD)
    monkeypatch.undo()
    with pytest.raises(CallerUnknown):
        Trust(keys.trust).caller(token, METHOD)


def test_a_service_cannot_sign_as_another(keys: Keys):
    token = Signer("gateway", keys.private("oneclick")).caller(METHOD)
    with pytest.raises(CallerUnknown):
        Trust(keys.trust).caller(token, METHOD)


def test_the_gateway_vouches_for_a_key_and_other_services_forward_it(keys: Keys):
    token = signer(keys, "gateway").principal(KEY_CALL)
    trust = Trust(keys.trust)
    expected = Principal("gateway", "mer_1", "key_1", 60, frozenset({"payments:read"}))
    assert trust.principal(token, "gateway") == trust.principal(token, "oneclick") == expected
    carried = dict(signer(keys, "oneclick").metadata(METHOD, Call(principal=token)))
    assert carried[identity.PRINCIPAL] == token


def test_a_services_own_principal_has_no_scopes_and_cannot_be_forwarded(keys: Keys):
    call = Call(merchant_id="mer_1", actor="key_1", publishable=True, scopes=frozenset("*"))
    token = dict(signer(keys, "oneclick").metadata(METHOD, call))[identity.PRINCIPAL]
    trust = Trust(keys.trust)
    assert trust.principal(token, "oneclick") == Principal("oneclick", "mer_1", "oneclick")
    with pytest.raises(CallerNotAllowed):
        trust.principal(token, "paylink")  # passed on by another service


def test_the_console_vouches_for_a_member_and_other_services_forward_it(keys: Keys):
    call = Call("mer_1", "mem_1", scopes=frozenset({"refunds:write"}))
    token = signer(keys, "console").principal(call)
    expected = Principal("console", "mer_1", "mem_1", 0, frozenset({"refunds:write"}))
    assert Trust(keys.trust).principal(token, "instalments") == expected


def test_only_gateway_and_console_vouch_for_others(keys: Keys, monkeypatch):
    monkeypatch.setattr(identity, "VOUCHING", {"oneclick"})
    token = signer(keys, "oneclick").principal(KEY_CALL)
    monkeypatch.undo()
    with pytest.raises(CallerNotAllowed):
        Trust(keys.trust).principal(token, "oneclick")


def test_caller_and_principal_tokens_are_not_interchangeable(keys: Keys):
    gateway, trust = signer(keys, "gateway"), Trust(keys.trust)
    with pytest.raises(CallerUnknown):
        trust.caller(gateway.principal(KEY_CALL), METHOD)
    with pytest.raises(CallerUnknown):
        trust.principal(gateway.caller(METHOD), "gateway")


def test_tokens_are_reused_until_their_renewal_time(keys: Keys):
    now = time.time()
    made = Signer("gateway", keys.private("gateway"), now=lambda: now)
    first = (made.caller(METHOD), made.principal(KEY_CALL))
    now += identity.RENEW_SECONDS - 1
    assert (made.caller(METHOD), made.principal(KEY_CALL)) == first
    now += 2
    assert made.caller(METHOD) != first[0]
    assert made.principal(KEY_CALL) != first[1]


def test_memory_is_bounded(keys: Keys, monkeypatch):
    monkeypatch.setattr(identity, "MAX_REMEMBERED", 3)
    made, trust = signer(keys, "gateway"), Trust(keys.trust)
    for number in range(10):
        trust.principal(made.principal(Call(merchant_id=f"mer_{number}")), "gateway")
    assert len(made._made) <= 3
    assert len(trust._known) <= 3


def test_a_key_is_rotated_without_restarts(keys: Keys, tmp_path):
    made, trust = signer(keys, "oneclick"), Trust(keys.trust)
    old = made.caller(METHOD)
    assert trust.caller(old, METHOD) == "oneclick"
    # The new public key is distributed first, then the private key is replaced.
    write_pair(tmp_path / "next.key", keys.trust / "oneclick.next.pub")
    (tmp_path / "next.key").replace(keys.private("oneclick"))
    new = made.caller(METHOD)
    assert new != old
    assert trust.caller(new, METHOD) == trust.caller(old, METHOD) == "oneclick"
    (keys.trust / "oneclick.next.pub").replace(keys.trust / "oneclick.pub")
    assert trust.caller(new, METHOD) == "oneclick"
    with pytest.raises(CallerUnknown):
        trust.caller(old, METHOD)  # although it was cached


def test_an_unreadable_key_leaves_the_previous_one_in_use(keys: Keys):
    made, trust = signer(keys, "oneclick"), Trust(keys.trust)
    keys.private("oneclick").write_text("half a ke")
    (keys.trust / "gateway.pub").write_text("")
    assert trust.caller(made.caller(METHOD), METHOD) == "oneclick"


def test_a_missing_or_invalid_key_is_refused(tmp_path, keys: Keys):
    with pytest.raises(FileNotFoundError):
        Signer("oneclick", tmp_path / "nowhere.key")
    with pytest.raises(FileError, match="private key"):
        Signer("oneclick", keys.trust / "oneclick.pub")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="no public key"):
        Trust(tmp_path / "empty")


def test_the_stacks_keys_are_private_and_persistent(keys: Keys):
    before = keys.private("gateway").read_bytes()
    keys.ensure(("gateway",))
    assert keys.private("gateway").read_bytes() == before
    assert keys.private("gateway").stat().st_mode & 0o777 == 0o600
    assert keys.folder.stat().st_mode & 0o777 == 0o700
