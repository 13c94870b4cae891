"""What a page is: a route, its handler, and the RPCs it calls. `routes.py` is the table of all pages.

A new page takes a handler with its line in an area's PAGES, a template and its texts. Access, CSRF
protection, the audit log and the tests of all of these follow from the line.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.descriptor import MethodDescriptor

from libs import client, descriptors
from libs.downloads import Download
from libs.upstreams import rpc_of
from services.console.rules.proving import GRAVE

if TYPE_CHECKING:
    from services.console.visit import Visit

MAX_FORM_BYTES: Final = 64 * 1024
VIEWS: Final = "merchants.ListViews"  # also called by lists with filters


@dataclass(frozen=True, slots=True)
class Html:
    """A template with its values."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class See:
    """A redirect to a page of the console; `notice` is a text that it shows once."""

    path: str
    notice: str = ""
    new_token: str = ""  # of the session, if it was replaced


@dataclass(frozen=True, slots=True)
class Sent:
    """A file to download."""

    file: Download


Answer = Html | See | Sent
Handler = Callable[["Visit"], Awaitable[Answer]]


@dataclass(frozen=True)
class Page:
    """`calls`: RPCs that the page cannot do without, as "payments.ListPayments"; a member who lacks
    a scope of one gets a 403. `parts`: RPCs without which it shows less. `again`: shows the form
    again if its POST was refused. `merchant`: it is about the chosen merchant. `is_file`: it
    answers with a file. `most_of_file`, `most_of_form`: maximum bytes of its form's file and
    fields. `needs`: a scope required in addition. `recorded`: the action under which the audit log
    records that it was read, for sensitive data: accounts, a customer's whole story. `filters`:
    query parameters that filter its list, and that a saved view keeps.
    """

    method: str
    path: str
    handle: Handler
    area: str
    calls: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    again: Handler | None = None
    merchant: bool = True
    is_file: bool = False
    needs: str = ""
    recorded: str = ""
    most_of_file: int = 0
    most_of_form: int = MAX_FORM_BYTES
    filters: tuple[str, ...] = ()

    @cached_property
    def rpcs(self) -> Mapping[str, MethodDescriptor]:
        """The RPCs that it may call, by full name of their request."""
        named = (*self.calls, *self.parts, *([VIEWS] if self.filters else []))
        found = map(rpc_named, named)
        return {rpc.input_type.full_name: rpc for rpc in found}

    @cached_property
    def scopes(self) -> frozenset[str]:
        """The scopes that a member needs to see it."""
        return frozenset([self.needs, *map(scope_of, self.calls)]) - {""}

    @property
    def changes(self) -> bool:
        return self.method != "GET"

    @property
    def grave(self) -> bool:
        """Whether a member has to prove their identity first."""
        return self.changes and bool(self.scopes & GRAVE)


class Lists:
    """Lists with filters by path: for `/reports/daily_sales`, the page `/reports/{report}`."""

    def __init__(self, pages: Iterable[Page]) -> None:
        self._pages = [
            (re.compile(_PART.sub("[a-z0-9_-]+", page.path)), page)
            for page in pages
            if page.filters
        ]

    def at(self, path: str) -> Page | None:
        """The list's page; None if there is no such list."""
        return next((page for shape, page in self._pages if shape.fullmatch(path)), None)


_PART: Final = re.compile(r"\{\w+\}")


def rpc_named(name: str) -> MethodDescriptor:
    service, _, method = name.partition(".")
    return rpc_of(service, method)


def scope_of(name: str) -> str:
    return descriptors.rules_of(rpc_named(name)).scope


def is_audited(rpc: MethodDescriptor) -> bool:
    """Whether an RPC changes the merchant's data: it needs a scope, and does not only read."""
    return bool(descriptors.rules_of(rpc).scope) and not only_reads(rpc)


def only_reads(rpc: MethodDescriptor) -> bool:
    """Whether an RPC changes nothing; streaming a file does not, whatever its RPC is called."""
    return client.is_safe(rpc.name) or bool(rpc.server_streaming)


def action_of(rpc: MethodDescriptor) -> str:
    """An RPC's name in the audit log: `payments.RefundPayment`."""
    return f"{rpc.full_name.split('.')[1]}.{rpc.name}"


def get(path: str, handle: Handler, area: str, *calls: str, **more: Any) -> Page:
    return Page("GET", path, handle, area, calls, **more)


def post(path: str, handle: Handler, area: str, *calls: str, **more: Any) -> Page:
    return Page("POST", path, handle, area, calls, **more)
