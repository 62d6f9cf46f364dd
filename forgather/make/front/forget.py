"""``doit forget``: doit's own, which here forgets the records of artifacts, too.

doit also drops what it remembers of a task that failed. That is not to be forgotten: what was finished
before stays what it was.
"""

from __future__ import annotations

from doit.cmd_forget import Forget as DoitForget


class Forget(DoitForget):
    def _execute(self, forget_sub: bool, forget_disable_default: bool, forget_all: bool) -> None:
        self.dep_manager.backend.forgets_records = True
        super()._execute(forget_sub, forget_disable_default, forget_all)
