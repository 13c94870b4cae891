"""The demo's second shop, whose clock its month advances: realistic references, and an outside world
that keeps the same time.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from stack.demo_merchant import SANDBOX_ACCOUNTS
from stack.shop import Shop

NAME: Final = "Emporio Verdi"
FIRST_ORDER: Final = 1000
DONE: Final = (200, 201)
BANK: Final = "X0542811101"  # check character, bank and branch of the standard Italian example


def iban(account: str) -> str:
    """The IBAN of a 12-character Italian account: adds country, ISO 13616 check digits and bank."""
    number = "".join(str(int(each, 36)) for each in f"{BANK}{account}IT00")
    return f"IT{98 - int(number) % 97:02d}{BANK}{account}"


def new_mark() -> str:
    """A random mark that keeps runs apart in the outside world."""
    return secrets.token_hex(3)


@dataclass
class Front(Shop):
    """`mark` identifies this run."""

    mark: str = field(default_factory=new_mark)
    ahead_seconds: int = 0

    @property
    def suffix(self) -> str:
        """Suffix of its accounts at the sandbox."""
        return f"-{self.mark}"

    @property
    def iban(self) -> str:
        return iban(f"{int(self.mark, 16):012d}")

    @property
    def carrier(self) -> str:
        """The sandbox's courier that carries only this shop's parcels."""
        return f"gls-{self.mark}"

    @property
    def clocks(self) -> Sequence[str]:
        """Clocks of the outside world that are advanced with the merchant's."""
        accounts = [f"{name}{self.suffix}" for name in SANDBOX_ACCOUNTS]
        return [self.iban, self.carrier, *accounts]

    def next_order(self) -> str:
        self.orders += 1
        return f"B-{FIRST_ORDER + self.orders}"

    async def advance(self, seconds: int) -> None:
        answer = await self.completed("POST", "/v1/test-clock/advance", {"seconds": seconds})
        self.ahead_seconds = int(answer.expect(200)["offset_seconds"])
        for name in self.clocks:
            path, ahead = f"/control/clocks/{name}", {"ahead_seconds": self.ahead_seconds}
            await self.outside("PUT", path, ahead)

    async def outside(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Calls the sandbox on behalf of the outside world."""
        async with self.http.request(method, self.sandbox_url + path, json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def write(
        self, path: str, body: Mapping[str, Any] | None = None, method: str = "POST"
    ) -> Any:
        """Makes a call that must succeed."""
        answer = await self.completed(method, path, body or {})
        return answer.expect(answer.status if answer.status in DONE else DONE[0])
