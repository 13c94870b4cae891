"""The connectors of PSP accounts, created from this process's credentials.

Credentials are files `<name>.json` in one folder (a mounted secret). A changed file gives a new
connector, so keys can be rotated without a restart.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from services.payments.connectors.base import Connector, Credentials, Factory
from services.payments.errors import CredentialsMissing
from services.payments.store.accounts import PspAccount


class Psps:
    """Connectors by account."""

    def __init__(
        self, factories: Mapping[str, Factory], folder: Path, session: aiohttp.ClientSession
    ) -> None:
        self._factories = factories
        self._folder = folder
        self._session = session
        self._made: dict[str, tuple[int, Connector]] = {}
        self._replaced: list[Connector] = []  # calls on them may be in progress

    def knows(self, psp: str) -> bool:
        """Whether there is a connector for this PSP."""
        return psp in self._factories

    def credentials(self, name: str) -> Credentials:
        """Raises CredentialsMissing."""
        try:
            values = json.loads(self._file(name).read_text())
        except (OSError, ValueError) as error:
            raise CredentialsMissing from error
        if not isinstance(values, dict):
            raise CredentialsMissing
        return Credentials({str(key): str(value) for key, value in values.items()})

    def connector(self, account: PspAccount) -> Connector:
        """Raises CredentialsMissing, also when an entry is missing in the file."""
        try:
            changed = self._file(account.credentials).stat().st_mtime_ns
        except OSError as error:
            raise CredentialsMissing from error
        made = self._made.get(account.id)
        if made is None or made[0] != changed:
            try:
                fresh = self._factories[account.psp](
                    self.credentials(account.credentials), self._session
                )
            except KeyError as error:
                raise CredentialsMissing(f"The credentials lack an entry: {error}.") from error
            if made is not None:
                self._replaced.append(made[1])
            made = self._made[account.id] = (changed, fresh)
        return made[1]

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    async def close(self) -> None:
        for connector in (*self._replaced, *(made[1] for made in self._made.values())):
            await connector.close()
        await self._session.close()
