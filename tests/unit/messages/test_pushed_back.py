"""What a provider pushes back is deferred, longer each time, and a crowd comes back apart."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from stepwell.customers import slots
from stepwell.ports import ErrorKind, ProviderError
from tests.support.messages import (
    World,
    end_enrollment,
    shipped_policies,
)

PUSHED_BACK = ProviderError("Throttling", ErrorKind.THROTTLED)


class TestPushedBack:
    def test_it_is_deferred_with_unit_claim_and_slot_given_back(self) -> None:
        world = World()
        world.sms.fails = [PUSHED_BACK]
        answer = world.send()
        assert (answer["outcome"], answer["reason"]) == ("deferred", "provider_pushed_back")
        until = datetime.fromisoformat(answer["until"])
        assert timedelta(minutes=1) <= until - world.now <= timedelta(minutes=2)
        assert not world.units()
        assert not [name for name in world.enrollment() if name.startswith("wait_")]
        world.now += timedelta(minutes=1)
        assert world.send(asked=1)["outcome"] == "sent"
        assert slots.is_open(world.enrollment(), "wait")

    def test_the_pause_doubles_up_to_an_hour(self) -> None:
        world = World(policies=shipped_policies(max_asks=20))
        world.sms.fails = [PUSHED_BACK] * 9
        pauses = []
        for asked in range(9):
            until = datetime.fromisoformat(world.send(asked=asked)["until"])
            pauses.append((until - world.now).total_seconds() / 60)
            world.now += timedelta(minutes=1)
        shares = [
            pause / least
            for pause, least in zip(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60], strict=True)
        ]
        # The message's id decides which part of the pause is added; a whole second is waited.
        assert 1 <= shares[-1] <= 2
        assert shares == pytest.approx([shares[-1]] * 9, abs=1 / 60)

    def test_a_crowd_that_was_pushed_back_together_comes_back_apart(self) -> None:
        world = World()
        world.sms.fails = [PUSHED_BACK] * 40
        untils = []
        for number in range(40):
            world.put_enrollment(f"cart#{number:016x}")
            sent = world.send(enrollment=f"cart#{number:016x}", execution=f"x-{number}")
            untils.append(sent["until"])
        assert len(set(untils)) > 20

    def test_an_exit_meanwhile_keeps_the_deferral_and_the_enrollment(self) -> None:
        world = World()
        world.sms.fails = [PUSHED_BACK]
        world.sms.before = lambda: end_enrollment(world)
        assert world.send()["outcome"] == "deferred"
        assert world.enrollment()["status"] == "ended"
        assert world.send(asked=1)["reason"] == "exited"
