"""What taking a notice needs, and how it says that the notice must come again."""

from __future__ import annotations

from stepwell.events.intake import Queue
from stepwell.messages.policies import Policies
from stepwell.ports import Executions, Hasher, Programs
from stepwell.storage.operations import Store
from stepwell.values import value


class NoticeTooEarlyError(Exception):
    """What the notice is about is not recorded yet; it must come again."""


@value
class Tools:
    """`executions` raises for what Step Functions does not take: the notice comes again then."""

    store: Store
    queue: Queue
    executions: Executions
    programs: Programs
    policies: Policies
    hasher: Hasher
