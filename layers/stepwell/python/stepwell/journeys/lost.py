"""An execution that ended without its enrollment: stopped by hand, failed or timed out as a whole.

The enrollment would stay active for ever, keep its customer from entering again and take events for
holds that nobody waits in. So it ends with its execution, and the record says how.
"""

from __future__ import annotations

from datetime import datetime

from stepwell.customers import keys, slots
from stepwell.journeys.progress import FAILED, finished_record
from stepwell.storage.operations import ConditionFailedError, Key, Store, TableName, Update
from stepwell.timestamps import to_text
from stepwell.values import value


@value
class Lost:
    """The run of an enrollment whose execution is over; `pk` and `sk` are where its item lies.
    `execution` is the name of the run's first one.
    """

    pk: str
    sk: str
    enrollment: str
    run: int
    execution: str
    reason: str

    @property
    def customer(self) -> str:
        return keys.customer_of(self.pk)

    @property
    def key(self) -> Key:
        return Key(TableName.CUSTOMERS, self.pk, self.sk)


def end_with_execution(store: Store, lost: Lost, now: datetime) -> bool:
    """End the enrollment, if it is still active in this run; whether that was so.

    Harmless when repeated or late: whoever was faster (an exit, a new entry) has ended it already.
    """
    item = store.get(lost.key)
    if item is None or item["status"] != slots.ACTIVE or item["run"] != lost.run:
        return False
    ended_at = to_text(now)
    changes = {
        "status": slots.ENDED,
        "outcome": FAILED,
        "reason": lost.reason,
        "ended_at": ended_at,
        "expires": item["forget_at"],
    }
    record = finished_record(
        lost.customer,
        lost.enrollment,
        item,
        outcome=FAILED,
        reason=lost.reason,
        ended_at=ended_at,
    )
    try:
        store.transact([Update(lost.key, changes, conditions=slots.running(lost.run)), record])
    except ConditionFailedError:
        return False
    return True
