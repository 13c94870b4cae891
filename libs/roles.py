"""What people may do in the console: each role is a set of the scopes that RPCs state in the
contracts. So a new scope belongs to no role until it is named here.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    VIEWER = "viewer"
    FINANCE = "finance"
    OPERATOR = "operator"
    OWNER = "owner"


_VIEWER: Final = frozenset(
    {
        "checkout:read",
        "cod:read",
        "customers:read",
        "events:read",
        "instalments:read",
        "links:read",
        "members:read",
        "merchant:read",
        "messages:read",
        "one_click:read",
        "payments:read",
        "reconciliation:read",
        "reports:read",
        "routing:read",
        "shop:read",
        "views:read",
        "views:write",  # a person's own: nothing of the merchant's changes
        "webhooks:read",
    }
)
_FINANCE: Final = _VIEWER | {
    "audit:read",
    "cod:write",  # remittances of couriers, refunds by bank transfer
    "reconciliation:write",
    "refunds:write",
    "reports:write",  # closes periods
}
_OPERATOR: Final = _VIEWER | {
    "api_keys:read",
    "audit:read",
    "cod:write",
    "customers:write",
    "instalments:write",
    "links:write",
    "messages:write",
    "one_click:write",
    "payments:write",
    "refunds:write",
    "shop:write",
    "test_clock:write",
    "webhooks:write",
}
# Whatever gives others power over money, or over the merchant itself.
_OWNER: Final = (
    _FINANCE
    | _OPERATOR
    | {
        "api_keys:write",
        "bank_account:write",
        "members:write",
        "merchant:write",
        "routing:write",
    }
)
SCOPES: Final[Mapping[Role, frozenset[str]]] = MappingProxyType(
    {
        Role.VIEWER: _VIEWER,
        Role.FINANCE: _FINANCE,
        Role.OPERATOR: _OPERATOR,
        Role.OWNER: _OWNER,
    }
)
