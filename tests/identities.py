"""Identities of callers in tests: one key pair, trusted for every service's name.

Calls made by a service's code are signed as that service, so that the protos' allow-lists apply in
tests, too. A test itself signs as its call's actor if that may call, else as the first allowed caller.
"""

import sys
from dataclasses import replace
from pathlib import Path

from libs import descriptors
from libs.context import Call
from libs.identity import CONSOLE, GATEWAY, Metadata, Signer
from libs.services import CALLERS
from stack.keys import Keys, write_pair
from tests.tidy.sources import ROOT

KEY = "everybody"
SERVICES = f"{ROOT}/services/"
COMMAND = f"{ROOT}/cli/"


def shared_keys(folder: Path) -> Keys:
    keys = Keys(folder)
    keys.ensure(())
    write_pair(keys.private(KEY), *(keys.trust / f"{name}.pub" for name in CALLERS))
    return keys


class Everybody(Signer):
    """Signs as the service whose code makes the call, or as an allowed caller for a test."""

    def __init__(self, key_file: Path) -> None:
        super().__init__(KEY, key_file)
        self._signers = {name: Signer(name, key_file) for name in CALLERS}

    def metadata(self, method: str, call: Call) -> Metadata:
        if service := calling_service():
            return self._signers[service].metadata(method, call)
        callers = descriptors.method_rules(method).callers
        caller = call.actor if call.actor in callers else callers[0]
        return self._signers[caller].metadata(method, self._of_a_test(call, caller))

    def _of_a_test(self, call: Call, caller: str) -> Call:
        """The call with the API key that the test implies, which has all scopes unless it states some."""
        if not call.scopes and not call.publishable:
            call = replace(call, scopes=frozenset("*"))
        by_key = caller == GATEWAY or call.publishable or call.actor.startswith("key_")
        if caller == CONSOLE and call.actor.startswith("mem_") and not call.principal:
            return replace(call, principal=self._signers[CONSOLE].principal(call))
        if by_key and call.actor != GATEWAY and not call.principal:
            return replace(call, principal=self._signers[GATEWAY].principal(call))
        return call


def calling_service() -> str:
    """The service whose code is innermost on the stack; empty for a test."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(SERVICES):
            return file.removeprefix(SERVICES).partition("/")[0]
        if file.startswith(COMMAND):
            return "operator"
        frame = frame.f_back
    return ""
