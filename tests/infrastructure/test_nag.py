"""cdk-nag: the pack passes, it would notice, and no acknowledgement is there for nothing."""

from __future__ import annotations

from dataclasses import replace

import cdk_nag
import pytest
from aws_cdk import Acknowledgment, App
from constructs import IConstruct

from infra import acknowledgements
from infra.app import build
from infra.compiled import Compiled
from infra.settings import settings_for
from infra.stacks.engine import Sources


class Recorder:
    """Stands for `aws_cdk.Validations`: notes what is acknowledged, and does nothing."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}

    def of(self, construct: IConstruct) -> Recorder:
        return self

    def acknowledge(self, *rules: Acknowledgment) -> None:
        self.reasons |= {rule.id: rule.reason for rule in rules}


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(acknowledgements, "Validations", recorder)
    return recorder


@pytest.fixture
def unacknowledged(recorder: Recorder, compiled: Compiled, sources: Sources) -> App:
    return build(settings_for("local"), compiled, sources)


def test_nag_finds_exactly_what_is_acknowledged(recorder: Recorder, unacknowledged: App) -> None:
    report = cdk_nag.AwsSolutionsChecks(unacknowledged).validate_scope(unacknowledged)
    found = {violation.rule_name for violation in report.violations}
    assert found == recorder.reasons.keys()


def test_nag_reasons_say_something(recorder: Recorder, unacknowledged: App) -> None:
    assert unacknowledged.node.children
    assert all(len(reason.split()) >= 8 for reason in recorder.reasons.values())


def test_nag_finding_without_acknowledgement_stops_the_synthesis(unacknowledged: App) -> None:
    with pytest.raises(RuntimeError, match="AwsSolutions-SMG4"):
        unacknowledged.synth()


def test_nag_passes_for_a_stage_with_every_setting(compiled: Compiled, sources: Sources) -> None:
    settings = replace(
        settings_for("prod"),
        push_application_arn="arn:aws:sns:eu-west-1:123456789012:app/APNS/shop",
        email_configuration_set="stepwell",
        alarm_email="operators@example.com",
        comprehend=True,
    )
    app = build(settings, compiled, sources)
    report = cdk_nag.AwsSolutionsChecks(app).validate_scope(app)
    assert [violation.rule_name for violation in report.violations] == []
