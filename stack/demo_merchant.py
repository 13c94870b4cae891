"""The demo merchant"""

from dataclasses import dataclass

from stack.embedded import Stack


@dataclass(frozen=True)
class DemoMerchant:
    merchant_id: str
    secret_key: str
    publishable_key: str


async def ensure_demo_merchant(stack: Stack) -> DemoMerchant:
    raise NotImplementedError
