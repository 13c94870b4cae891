"""Every process ends by itself when asked to."""

import signal

from libs import services
from tests.waiting import until

NAMES = (*services.NAMES, "gateway", "sandbox", "localstripe")


async def test_every_process_exits_cleanly_on_sigterm(stack):
    before = len(stack.events)
    for name in NAMES:
        stack.kill(name, signal.SIGTERM)
    await until(lambda: len(stack.events) >= before + len(NAMES))
    ended = stack.events[before:]
    assert sorted(ended) == sorted(
        f"{name} ended (exit code 0): starting it again" for name in NAMES
    )
    for name in NAMES:
        await stack.process(name).wait_ready()
