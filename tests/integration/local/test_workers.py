"""A function's process: its environment, its failures, its time."""

import os
import textwrap
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local.clock import StepClock
from infra.local.functions import Function, UnknownFunctionError
from infra.local.workers import WorkerInvoker

START = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
ENGINE = Path(__file__).parents[3] / "layers" / "stepwell" / "python"
Make = Callable[..., WorkerInvoker]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[WorkerInvoker] = []

    def make(
        code: str, *, timeout: int = 20, environment: dict[str, str] | None = None
    ) -> WorkerInvoker:
        folder = tmp_path / f"function{len(made)}"
        folder.mkdir()
        (folder / "handler.py").write_text(textwrap.dedent(code))
        invoker = WorkerInvoker(StepClock(START), tmp_path / "logs")
        function = Function(
            "stepwell-local-try", (folder, ENGINE), "handler.handler", environment or {}, timeout
        )
        invoker.add([function], "http://127.0.0.1:9")
        made.append(invoker)
        return invoker

    yield make
    for invoker in made:
        invoker.close()


def call(invoker: WorkerInvoker, event: Any = None) -> Any:
    result, error = invoker("stepwell-local-try", event)
    assert error is None, result
    return result


def test_the_environment_is_the_templates_and_nobody_elses(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MINE", "AWS_PROFILE", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "secret")
    invoker = make(
        """
        import os
        def handler(event, context):
            return dict(os.environ)
        """,
        environment={"STAGE": "local"},
    )
    environment = call(invoker)
    assert environment["STAGE"] == "local"
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert environment["AWS_REGION"] == "us-east-1"
    assert environment["AWS_ACCESS_KEY_ID"] == "local"
    assert (
        environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    )
    assert not {"MINE", "AWS_PROFILE", "AWS_ENDPOINT_URL_S3"} & environment.keys()


def test_it_imports_its_own_folder_and_layers_and_not_the_repository(make: Make) -> None:
    invoker = make(
        """
        import importlib.util
        def handler(event, context):
            names = ("stepwell.aws.clock", "powertools", "infra", "functions", "worker")
            return [name for name in names if importlib.util.find_spec(name)]
        """
    )
    assert call(invoker) == ["stepwell.aws.clock"]


def test_virtual_time_and_the_context_come_with_the_invocation(make: Make) -> None:
    invoker = make(
        """
        from stepwell.aws.clock import now
        def handler(event, context):
            return {
                "now": now().isoformat(),
                "name": context.function_name,
                "arn": context.invoked_function_arn,
                "id": context.aws_request_id,
                "left": context.get_remaining_time_in_millis(),
                "event": event,
            }
        """
    )
    first, second = call(invoker, {"a": 1}), call(invoker)
    assert first["now"] == "2026-11-24T21:14:00+00:00"
    assert first["name"] == "stepwell-local-try"
    assert first["arn"].endswith(":function:stepwell-local-try")
    assert 0 < first["left"] <= 20_000
    assert first["event"] == {"a": 1}
    assert first["id"] != second["id"]


def test_a_process_serves_many_invocations(make: Make) -> None:
    invoker = make(
        """
        import os
        count = 0
        def handler(event, context):
            global count
            count += 1
            return [os.getpid(), count]
        """
    )
    (first, one), (second, two) = call(invoker), call(invoker)
    assert (first, one, two) == (second, 1, 2)


def test_an_error_is_reported_as_lambda_does(make: Make) -> None:
    invoker = make(
        """
        class UnhappyError(Exception):
            pass
        def handler(event, context):
            raise UnhappyError("today")
        """
    )
    payload, error = invoker("stepwell-local-try", {})
    assert error == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == ("UnhappyError", "today")
    assert "handler.py" in payload["stackTrace"][-1]
    assert payload["requestId"]


def test_a_result_that_is_no_json_is_an_error(make: Make) -> None:
    invoker = make("def handler(event, context):\n    return {1, 2}\n")
    payload, error = invoker("stepwell-local-try", {})
    assert (payload["errorType"], error) == ("TypeError", "Unhandled")


def test_a_handler_that_cannot_be_imported_is_an_error_each_time(make: Make) -> None:
    invoker = make("import nothing_of_that_name\n")
    for _ in range(2):
        payload, error = invoker("stepwell-local-try", {})
        assert (payload["errorType"], error) == ("ModuleNotFoundError", "Unhandled")


def test_a_timeout_ends_the_process_and_the_next_call_has_another(make: Make) -> None:
    invoker = make(
        """
        import os, time
        def handler(event, context):
            if event == "hang":
                time.sleep(60)
            return os.getpid()
        """,
        timeout=1,
    )
    before = call(invoker)
    started = time.monotonic()
    payload, error = invoker("stepwell-local-try", "hang")
    assert time.monotonic() - started < 30
    assert (payload["errorType"], error) == ("Sandbox.Timedout", "Unhandled")
    assert "Task timed out after 1.00 seconds" in payload["errorMessage"]
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    assert call(invoker) != before


def test_a_crash_is_reported_and_the_next_call_has_another_process(make: Make) -> None:
    invoker = make(
        """
        import os
        def handler(event, context):
            if event == "crash":
                os._exit(3)
            return os.getpid()
        """
    )
    before = call(invoker)
    payload, error = invoker("stepwell-local-try", "crash")
    assert (payload["errorType"], error) == ("Runtime.ExitError", "Unhandled")
    assert call(invoker) != before


def test_what_a_handler_prints_is_logged_and_disturbs_nothing(make: Make, tmp_path: Path) -> None:
    invoker = make(
        """
        import os, sys
        def handler(event, context):
            print("to stdout", flush=True)
            os.write(1, b"to the descriptor\\n")
            print("to stderr", file=sys.stderr)
            return "x" * 300_000
        """
    )
    assert len(call(invoker, "y" * 300_000)) == 300_000
    log = (tmp_path / "logs" / "stepwell-local-try.log").read_text()
    assert "to stdout" in log
    assert "to the descriptor" in log
    assert "to stderr" in log


def test_closing_ends_the_processes(make: Make) -> None:
    invoker = make("import os\ndef handler(event, context):\n    return os.getpid()\n")
    process = call(invoker)
    invoker.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    payload, error = invoker("stepwell-local-try", {})
    assert (payload["errorType"], error) == ("Runtime.ExitError", "Unhandled")


def test_a_function_that_was_not_deployed_is_named(make: Make) -> None:
    invoker = make("def handler(event, context): ...\n")
    with pytest.raises(UnknownFunctionError, match="stepwell-local-other"):
        invoker("arn:aws:lambda:us-east-1:123456789012:function:stepwell-local-other", {})
