"""Access to a stack for setting up merchants: one that this process has started, or one started by
another process and found by its demo.env.
"""

from collections.abc import Mapping
from typing import Protocol

import grpc

from libs import client
from libs.identity import OPERATOR, Signer
from stack.topology import Folders


class Reach(Protocol):
    @property
    def url(self) -> str: ...

    @property
    def console_url(self) -> str: ...

    @property
    def sandbox_url(self) -> str: ...

    @property
    def localstripe_url(self) -> str: ...

    @property
    def folders(self) -> Folders: ...

    @property
    def operator(self) -> Signer: ...

    def channel(self, service: str) -> grpc.aio.Channel: ...


class RunningStack:
    """A stack run by another process on this machine. `known`: the contents of its demo.env."""

    def __init__(self, folders: Folders, known: Mapping[str, str]) -> None:
        self.folders = folders
        self._known = known

    @property
    def url(self) -> str:
        return self._known["INCASSO_URL"]

    @property
    def console_url(self) -> str:
        return self._known["INCASSO_CONSOLE_URL"]

    @property
    def sandbox_url(self) -> str:
        return self._known["INCASSO_SANDBOX_URL"]

    @property
    def localstripe_url(self) -> str:
        return self._known["INCASSO_LOCALSTRIPE_URL"]

    @property
    def operator(self) -> Signer:
        return Signer(OPERATOR, self.folders.keys.private(OPERATOR))

    def channel(self, service: str) -> grpc.aio.Channel:
        target = self._known[f"INCASSO_{service.upper()}_TARGET"]
        return self.folders.certificates.tls(OPERATOR).channel(target, client.options())
