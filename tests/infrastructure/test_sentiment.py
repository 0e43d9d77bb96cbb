"""What is deployed to ask Comprehend: all of it with the setting, nothing without."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from infra.app import build
from infra.compiled import Compiled
from infra.settings import SettingsError, settings_for
from infra.stacks.engine import Sources
from tests.infrastructure.synthesized import Synthesized, read_assembly, short
from tests.infrastructure.test_permissions import BOTH, TRACES, consumes, granted


@pytest.fixture(scope="module")
def listening(
    tmp_path_factory: pytest.TempPathFactory, sources: Sources, compiled: Compiled
) -> Synthesized:
    """cdk-nag has found nothing, or this raises."""
    folder = tmp_path_factory.mktemp("cdk") / "out"
    settings = replace(settings_for("local"), comprehend=True, comprehend_languages=("de", "en"))
    build(settings, compiled, sources, outdir=str(folder)).synth()
    return read_assembly(folder)


def test_without_the_setting_there_is_nothing_of_it(synthesized: Synthesized) -> None:
    text = json.dumps(synthesized.templates)
    assert "comprehend:" not in text
    assert "COMPREHEND" not in text
    assert "sentiment" not in synthesized.functions()
    assert "sentiment" not in synthesized.queues()
    router = synthesized.functions()["router"]
    assert router["Environment"]["Variables"]["SENTIMENT_QUEUE_URL"] == ""


def test_the_router_may_ask_by_the_queue_and_no_more(
    listening: Synthesized, synthesized: Synthesized
) -> None:
    router = listening.functions()["router"]
    url = router["Environment"]["Variables"]["SENTIMENT_QUEUE_URL"]
    assert short(url) == "SentimentQueue"
    before, found = (
        granted(each.role(each.functions()["router"]["Role"])) for each in (synthesized, listening)
    )
    assert found.pop("sqs:SendMessage") - before.pop("sqs:SendMessage") == {"SentimentQueue.Arn"}
    assert found == before


def test_the_function_may_read_the_archive_ask_and_tell(listening: Synthesized) -> None:
    function = listening.functions()["sentiment"]
    variables = function["Environment"]["Variables"]
    assert variables["COMPREHEND_LANGUAGES"] == "de en"
    found = granted(listening.role(function["Role"]))
    logs = [action for action in found if action.startswith("logs:")]
    assert {action: places for action, places in found.items() if action not in logs} == {
        **TRACES,
        **consumes("SentimentQueue"),
        "s3:GetObject": {
            "arn:<AWS::Partition>:s3:::stepwell-local-archive-<AWS::AccountId>-<AWS::Region>/events/*"
        },
        "kms:Decrypt": {"Key.Arn"},
        "comprehend:DetectSentiment": {"*"},
        "sqs:SendMessage": {"EventsQueue.Arn"},
    }
    assert not BOTH & set().union(*found.values())


def test_the_queue_has_dead_letters_and_alarms_and_few_workers(listening: Synthesized) -> None:
    assert {"sentiment", "sentiment-dlq"} <= listening.queues().keys()
    names = {each["AlarmName"] for each in listening.properties("AWS::CloudWatch::Alarm")}
    assert {"stepwell-local-sentiment-dlq", "stepwell-local-sentiment-age"} <= names
    [mapping] = [
        each
        for each in listening.properties("AWS::Lambda::EventSourceMapping")
        if short(each["EventSourceArn"]) == "SentimentQueue.Arn"
    ]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("languages", [(), ("xx",), ("en", "EN")])
def test_languages_have_to_be_known_to_comprehend(languages: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match="comprehend_languages"):
        replace(settings_for("local"), comprehend_languages=languages)
