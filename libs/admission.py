"""Checks whether a call may enter a service: the RPC has to name its caller, and the API key or
member needs its scope.

Gateway and console have already checked the scope; the check is repeated so that a mistake there
grants no access.
"""

from collections.abc import Mapping

from incasso.rest.v1 import options_pb2
from libs import context
from libs.context import Call
from libs.errors import CallerNotAllowed, PublishableKeyNotAllowed, ScopeMissing
from libs.identity import CALLER, PRINCIPAL, VOUCHING, Principal, Trust


class Admission:
    """Access control of one RPC. `method` is its full path."""

    def __init__(self, method: str, rules: options_pb2.MethodRules, trust: Trust) -> None:
        self._method = method
        self._callers = frozenset(rules.callers)
        self._scope = rules.scope
        self._publishable = rules.publishable
        self._trust = trust

    def admit(self, metadata: Mapping[str, str]) -> Call:
        """The call as proven by its tokens.

        Raises CallerUnknown, CallerNotAllowed, ScopeMissing, PublishableKeyNotAllowed.
        """
        caller = self._trust.caller(metadata.get(CALLER, ""), self._method)
        if caller not in self._callers:
            raise CallerNotAllowed
        token = metadata.get(PRINCIPAL, "")
        principal = self._trust.principal(token, caller) if token else Principal(caller, "", caller)
        if caller in VOUCHING:
            self._check_scope(principal)
        return Call(
            merchant_id=principal.merchant_id,
            actor=principal.actor,
            idempotency_key=metadata.get(context.IDEMPOTENCY_KEY, ""),
            clock_offset_seconds=principal.clock_offset_seconds,
            publishable=principal.publishable,
            scopes=principal.scopes,
            caller=caller,
            principal=token if principal.issuer in VOUCHING else "",
        )

    def _check_scope(self, principal: Principal) -> None:
        """Calls in the gateway's or console's own name have neither a scope nor an API key."""
        if principal.publishable:
            if not self._publishable:
                raise PublishableKeyNotAllowed
        elif self._scope and not principal.holds(self._scope):
            raise ScopeMissing(self._scope)
