"""Checks form-encoded requests against the parameter types that Stripe generates into its SDK."""

import re
import sys
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import parse_qsl

from stripe import params
from typing_extensions import is_typeddict  # the SDK makes its types with it

# (method, path) of the calls that the connector may make; {id} stands for Stripe's own ids.
OFFICIAL: dict[tuple[str, str], Any] = {
    ("POST", "/v1/payment_intents"): params.PaymentIntentCreateParams,
    ("GET", "/v1/payment_intents"): params.PaymentIntentListParams,
    ("GET", "/v1/payment_intents/{id}"): params.PaymentIntentRetrieveParams,
    ("POST", "/v1/payment_intents/{id}/capture"): params.PaymentIntentCaptureParams,
    ("POST", "/v1/payment_intents/{id}/cancel"): params.PaymentIntentCancelParams,
    ("POST", "/v1/refunds"): params.RefundCreateParams,
    ("GET", "/v1/refunds"): params.RefundListParams,
    ("GET", "/v1/refunds/{id}"): params.RefundRetrieveParams,
    ("POST", "/v1/customers"): params.CustomerCreateParams,
    ("POST", "/v1/payment_methods"): params.PaymentMethodCreateParams,
    ("POST", "/v1/payment_methods/{id}/detach"): params.PaymentMethodDetachParams,
    ("POST", "/v1/setup_intents"): params.SetupIntentCreateParams,
    ("GET", "/v1/setup_intents/{id}"): params.SetupIntentRetrieveParams,
    ("GET", "/v1/payouts"): params.PayoutListParams,
    ("GET", "/v1/payouts/{id}"): params.PayoutRetrieveParams,
    ("GET", "/v1/balance_transactions"): params.BalanceTransactionListParams,
}
# Options of the SDK that its types mix with the parameters.
OPTIONS = {
    "api_key",
    "stripe_version",
    "stripe_account",
    "stripe_context",
    "max_network_retries",
    "idempotency_key",
    "content_type",
    "headers",
}


def generic(path: str) -> str:
    return re.sub(r"/(?:pi|re|pm|seti|po|cus)_[A-Za-z0-9]+", "/{id}", path)


def decoded(text: str) -> dict[str, Any]:
    """`a[b]=1&c[0]=2` as {"a": {"b": "1"}, "c": {"0": "2"}}."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)):
        *folders, leaf = re.findall(r"[^\[\]]+", name)
        node = tree
        for folder in folders:
            node = node.setdefault(folder, {})
        node[leaf] = value
    return tree


def complaints(method: str, path: str, tree: dict[str, Any]) -> list[str]:
    """What Stripe would not know or would reject; empty if the request is valid."""
    call = (method, generic(path))
    if call not in OFFICIAL:
        return [f"{call} is not expected"]
    return list(_of_dict(OFFICIAL[call], tree, ""))


def _of_dict(kind: Any, tree: dict[str, Any], where: str) -> Iterator[str]:
    more = {"StripeContext": object, "Mapping": Mapping}  # from the options' own module
    scope = {**vars(sys.modules[kind.__module__]), **more}
    hints = typing.get_type_hints(kind, scope)
    for name, value in tree.items():
        if name in OPTIONS or name not in hints:
            yield f"{where}{name} is unknown"
        elif not _fits(hints[name], value):
            yield f"{where}{name} cannot be {value!r}"
    for name in kind.__required_keys__ - OPTIONS - set(tree):
        yield f"{where}{name} is missing"


def _fits(kind: Any, value: Any) -> bool:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if is_typeddict(kind):
        return isinstance(value, dict) and not list(_of_dict(kind, value, ""))
    if origin is Literal:
        return value in arguments
    if origin is list:
        return isinstance(value, dict) and all(_fits(arguments[0], v) for v in value.values())
    if origin is dict:
        return isinstance(value, dict) and all(_fits(arguments[1], v) for v in value.values())
    if arguments:  # a union; `str` besides listed words only allows for future words
        literals = [part for part in arguments if typing.get_origin(part) is Literal]
        words = [part for part in literals if typing.get_args(part) != ("",)]  # "" unsets the field
        chosen = [part for part in arguments if part is not str or not words]
        return any(_fits(part, value) for part in chosen)
    if not isinstance(value, str):
        return False
    patterns = {int: r"-?\d+", bool: r"true|false", str: r"(?s).*"}
    return kind in patterns and re.fullmatch(patterns[kind], value) is not None
