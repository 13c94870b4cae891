"""Which worker runs which tests: three workers begin with those of the whole stack, the others with the rest.

A test of the whole stack spends most of its time waiting and leaves the CPU to others. But a stack takes five
seconds of CPU time to start, and a thirtieth of a CPU when idle, so not every worker begins with one.
"""

from typing import Any, Final

from xdist.scheduler import LoadFileScheduling

STACKS: Final = 3
OF_THE_STACK: Final = "tests/e2e/"
# These start processes and wait for them, some for half a minute: run last, they would keep all other workers waiting.
LONG: Final = "tests/stack/"


class FewStacks(LoadFileScheduling):
    """Assigns file by file, ordered by path within each kind."""

    def _assign_work_unit(self, node: Any) -> None:
        has_a_stack = node in self.nodes[:STACKS]

        def rank(file: str) -> int:
            if file.startswith(OF_THE_STACK):
                return 0 if has_a_stack else 3
            return 1 if file.startswith(LONG) else 2

        self.workqueue.move_to_end(min(self.workqueue, key=rank), last=False)
        super()._assign_work_unit(node)
