"""The demo's second shop, whose clock its month advances: references that read like a shop's, and
the outside world in its time.
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
BANK: Final = "X0542811101"  # check character, bank and branch of the example of Italian banks


def iban(account: str) -> str:
    """Of an Italian account, 12 characters: the country and the check digits of ISO 13616."""
    number = "".join(str(int(each, 36)) for each in f"{BANK}{account}IT00")
    return f"IT{98 - int(number) % 97:02d}{BANK}{account}"


def new_mark() -> str:
    """Keeps what several runs have in the outside world apart."""
    return secrets.token_hex(3)


@dataclass
class Front(Shop):
    """`mark`: of this run."""

    mark: str = field(default_factory=new_mark)
    ahead_seconds: int = 0

    @property
    def suffix(self) -> str:
        """Of its accounts at the sandbox."""
        return f"-{self.mark}"

    @property
    def iban(self) -> str:
        return iban(f"{int(self.mark, 16):012d}")

    @property
    def carrier(self) -> str:
        """The sandbox's courier that has its parcels only."""
        return f"gls-{self.mark}"

    @property
    def clocks(self) -> Sequence[str]:
        """Of the outside world, that go with the merchant's."""
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
        """A call of the sandbox, as others in the world would act."""
        async with self.http.request(method, self.sandbox_url + path, json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def write(
        self, path: str, body: Mapping[str, Any] | None = None, method: str = "POST"
    ) -> Any:
        """A call that has to succeed."""
        answer = await self.completed(method, path, body or {})
        return answer.expect(answer.status if answer.status in DONE else DONE[0])
