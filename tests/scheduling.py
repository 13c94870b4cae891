"""Who runs which tests: two workers begin with those of the whole stack, the others with the rest.

A test of the whole stack waits for most of its time, so that there is a processor for others beside it; and a
stack takes seven seconds of one to start and a twentieth of one to idle, so that not every worker has one.
"""

from typing import Any, Final

from xdist.scheduler import LoadFileScheduling

STACKS: Final = 2
OF_THE_STACK: Final = "tests/e2e/"


class TwoStacks(LoadFileScheduling):
    """File by file, in the order of their paths within each kind."""

    def _assign_work_unit(self, node: Any) -> None:
        first = node in self.nodes[:STACKS]
        for file in self.workqueue:
            if file.startswith(OF_THE_STACK) == first:
                self.workqueue.move_to_end(file, last=False)
                break
        super()._assign_work_unit(node)
