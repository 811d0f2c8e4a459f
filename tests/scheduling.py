"""Which tests run in one process when several share the work, and which are begun first.

pytest-xdist hands out tests one by one, and what a fixture trains for a whole file is then trained in every process.
Here a process takes a file at a time; of the contract, which trains every application, an application at a time. What
takes longest is begun first, so that no process is left alone with it at the end.
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

LONGEST_FIRST = ("test_contract", "test_every_kind_of_task", "test_resume", "test_recurrent_rewriting", "test_cli")
"""How the names of files begin that take tens of seconds."""


class Grouped(LoadScopeScheduling):
    """Hands out groups of tests, long ones first."""

    def _split_scope(self, nodeid):
        return group(nodeid)

    def _assign_work_unit(self, node):
        self.workqueue.move_to_end(min(self.workqueue, key=turn), last=False)
        super()._assign_work_unit(node)


def group(nodeid: str) -> str:
    """The file of a test; of the contract, with the application that the test is about."""
    file, _, test = nodeid.partition("::")
    if "test_contract" not in file:
        return file
    return f"{file} {test.partition('[')[2].rstrip(']').partition('-')[0]}"


def turn(group: str) -> int:
    """When a group is begun: the place of its file among the long ones, or after them all."""
    name = group.split()[0].rpartition("/")[2]
    return next((place for place, long in enumerate(LONGEST_FIRST) if name.startswith(long)), len(LONGEST_FIRST))
