"""Whether a call may pass a service's door: the RPC names its caller, the API key holds its scope.

The scope was checked by the gateway already; here again, so that a mistake there opens nothing.
"""

from collections.abc import Mapping

from incasso.rest.v1 import options_pb2
from libs import context
from libs.context import Call
from libs.errors import CallerNotAllowed, PublishableKeyNotAllowed, ScopeMissing
from libs.identity import CALLER, GATEWAY, PRINCIPAL, Principal, Trust


class Admission:
    """The door of one RPC. `method` is its full path."""

    def __init__(self, method: str, rules: options_pb2.MethodRules, trust: Trust) -> None:
        self._method = method
        self._callers = frozenset(rules.callers)
        self._scope = rules.scope
        self._publishable = rules.publishable
        self._trust = trust

    def admit(self, metadata: Mapping[str, str]) -> Call:
        """The call as its tokens prove it.

        Raises CallerUnknown, CallerNotAllowed, ScopeMissing, PublishableKeyNotAllowed.
        """
        caller = self._trust.caller(metadata.get(CALLER, ""), self._method)
        if caller not in self._callers:
            raise CallerNotAllowed
        token = metadata.get(PRINCIPAL, "")
        principal = self._trust.principal(token, caller) if token else Principal(caller, "", caller)
        if caller == GATEWAY:
            self._check_key(principal)
        return Call(
            merchant_id=principal.merchant_id,
            actor=principal.actor,
            idempotency_key=metadata.get(context.IDEMPOTENCY_KEY, ""),
            clock_offset_seconds=principal.clock_offset_seconds,
            publishable=principal.publishable,
            scopes=principal.scopes,
            caller=caller,
            principal=token if principal.issuer == GATEWAY else "",
        )

    def _check_key(self, principal: Principal) -> None:
        """What the gateway asks for itself has neither a scope nor an API key behind it."""
        if principal.publishable:
            if not self._publishable:
                raise PublishableKeyNotAllowed
        elif self._scope and not principal.holds(self._scope):
            raise ScopeMissing(self._scope)
