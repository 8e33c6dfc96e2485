"""The policy: defaults, what may be configured, and that a wrong value changes nothing."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codetracer import (
    HostError,
    UsageError,
    configure_policy,
    configure_policy_from_env,
    log,
    policy_snapshot,
)
from codetracer.policy import RecorderPolicy, model
from codetracer.policy.env import variable_name
from tests.support.project import run_python

DEFAULTS: dict[str, object] = {
    "on_recorder_error": "abort",
    "require_trace": False,
    "keep_partial_trace": False,
    "log_level": None,
    "log_file": None,
    "json_errors": False,
    "propagate_script_exit": False,
}
BOOLEANS = [name for name, value in DEFAULTS.items() if value is False]


@pytest.fixture(autouse=True)
def _fresh_policy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin as a new process does, and leave policy and logger as they were."""
    logger = logging.getLogger("codetracer")
    level, propagate, handlers = logger.level, logger.propagate, list(logger.handlers)
    monkeypatch.setattr(model, "_in_force", RecorderPolicy({}))
    monkeypatch.setattr(log, "_file_handler", None)
    yield
    for handler in logger.handlers:
        if handler not in handlers:
            handler.close()
    logger.handlers[:] = handlers
    logger.level, logger.propagate = level, propagate


def settings() -> dict[str, object]:
    return policy_snapshot().as_dict()


# ---------------------------------------------------------------- defaults and snapshots


def test_a_process_begins_with_the_defaults_whatever_the_environment_says() -> None:
    done = run_python(
        "-c",
        "import json, codetracer; print(json.dumps(codetracer.policy_snapshot().as_dict()))",
        variables={"CODETRACER_ON_RECORDER_ERROR": "disable"},
    )

    assert json.loads(done.stdout) == DEFAULTS


def test_a_snapshot_has_every_setting_as_an_attribute() -> None:
    policy = policy_snapshot()

    assert {name: getattr(policy, name) for name in DEFAULTS} == DEFAULTS == policy.as_dict()
    assert repr(policy) == f"RecorderPolicy({DEFAULTS})"


def test_a_snapshot_cannot_be_changed() -> None:
    policy = policy_snapshot()

    with pytest.raises(AttributeError, match=r"configure_policy\(require_trace="):
        policy.require_trace = True
    with pytest.raises(AttributeError):
        policy.colour = 1

    assert settings() == DEFAULTS


def test_a_setting_cannot_be_deleted_from_a_snapshot() -> None:
    with pytest.raises(AttributeError, match=r"configure_policy\(require_trace="):
        del policy_snapshot().require_trace

    assert settings() == DEFAULTS


def test_a_snapshot_does_not_see_later_changes() -> None:
    policy = policy_snapshot()

    configure_policy(on_recorder_error="disable", json_errors=True)

    assert policy.as_dict() == DEFAULTS
    assert policy_snapshot().on_recorder_error == "disable"


def test_what_as_dict_returns_is_nobodys_but_the_callers() -> None:
    policy_snapshot().as_dict()["require_trace"] = True

    assert settings() == DEFAULTS


# ---------------------------------------------------------------- configure_policy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("on_recorder_error", "disable"),
        *((name, True) for name in BOOLEANS),
        *(("log_level", level) for level in ("debug", "info", "warning", "error", "off")),
    ],
)
def test_each_setting_can_be_configured_and_changes_alone(name: str, value: object) -> None:
    configure_policy(**{name: value})  # type: ignore[arg-type]

    assert settings() == DEFAULTS | {name: value}


def test_settings_add_up_and_can_be_set_back() -> None:
    configure_policy(on_recorder_error="disable", require_trace=True)
    configure_policy(json_errors=True)
    configure_policy(on_recorder_error="abort", require_trace=False)

    assert settings() == DEFAULTS | {"json_errors": True}


def test_none_leaves_a_setting_as_it_is() -> None:
    configure_policy(on_recorder_error="disable", keep_partial_trace=True, log_level="error")
    before = settings()

    configure_policy(on_recorder_error=None, keep_partial_trace=None, log_level=None)
    configure_policy()

    assert settings() == before


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("on_recorder_error", "ignore", "abort, disable"),
        ("on_recorder_error", "ABORT", "abort, disable"),
        ("on_recorder_error", True, "abort, disable"),
        ("log_level", "verbose", "debug, info, warning, error, off"),
        ("log_level", 10, "debug, info, warning, error, off"),
        ("log_file", 3, "a text that is not empty"),
        ("log_file", "", "a text that is not empty"),
        *((name, 1, "True or False") for name in BOOLEANS),
        ("json_errors", "yes", "True or False"),
    ],
)
def test_a_wrong_value_is_named_with_its_setting_and_what_is_allowed(
    name: str, value: object, allowed: str
) -> None:
    other = {"require_trace": True} if name != "require_trace" else {"json_errors": True}

    with pytest.raises(UsageError) as raised:
        configure_policy(**{**other, name: value})  # type: ignore[arg-type]

    assert raised.value.code == "ERR_INVALID_POLICY_VALUE"
    assert raised.value.message == f"{name} is {value!r}; allowed: {allowed}"
    assert raised.value.context == {"setting": name, "value": repr(value), "allowed": allowed}
    assert settings() == DEFAULTS


def test_a_debugger_that_looks_at_every_frame_does_no_harm() -> None:
    # 3.12: looking at f_locals changes the dictionary that locals() returned (PEP 709).
    done = run_python(
        "-c",
        "import sys, codetracer\n"
        "def look(frame, event, argument):\n"
        "    frame.f_locals\n"
        "    return look\n"
        "sys.settrace(look)\n"
        "codetracer.configure_policy(on_recorder_error='disable')\n"
        "sys.settrace(None)\n"
        "print(codetracer.policy_snapshot().on_recorder_error)\n",
    )

    assert (done.stdout, done.stderr) == ("disable\n", "")


def test_an_unknown_setting_is_an_unknown_argument() -> None:
    with pytest.raises(TypeError, match="require_traces"):
        configure_policy(require_traces=True)  # type: ignore[call-arg]


# ---------------------------------------------------------------- the environment


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("on_recorder_error", "disable", "disable"),
        ("on_recorder_error", "Disable", "disable"),
        ("log_level", "DEBUG", "debug"),
        ("log_level", "off", "off"),
        *((name, "1", True) for name in BOOLEANS),
    ],
)
def test_each_setting_has_its_variable(name: str, text: str, value: object) -> None:
    assert variable_name(name) == f"CODETRACER_{name.upper()}"

    configure_policy_from_env({variable_name(name): text})

    assert settings() == DEFAULTS | {name: value}


@pytest.mark.parametrize("word", ["1", "true", "True", "TRUE", "t", "T", "yes", "Yes", "y", " y "])
def test_every_word_for_true_is_understood_in_any_case(word: str) -> None:
    configure_policy_from_env({variable_name(name): word for name in BOOLEANS})

    assert settings() == DEFAULTS | dict.fromkeys(BOOLEANS, True)


@pytest.mark.parametrize("word", ["0", "false", "False", "FALSE", "f", "F", "no", "NO", "n", "N"])
def test_every_word_for_false_is_understood_in_any_case(word: str) -> None:
    configure_policy(require_trace=True, keep_partial_trace=True, json_errors=True)
    configure_policy(propagate_script_exit=True)

    configure_policy_from_env({variable_name(name): word for name in BOOLEANS})

    assert settings() == DEFAULTS


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("on_recorder_error", "explode", "abort, disable"),
        ("log_level", "loud", "debug, info, warning, error, off"),
        ("log_level", "", "debug, info, warning, error, off"),
        ("log_file", "", "a text that is not empty"),
        *((name, "maybe", "1/true/t/yes/y or 0/false/f/no/n") for name in BOOLEANS),
        ("json_errors", "", "1/true/t/yes/y or 0/false/f/no/n"),
        ("json_errors", "2", "1/true/t/yes/y or 0/false/f/no/n"),
    ],
)
def test_a_wrong_variable_is_named_with_its_value_and_what_is_allowed(
    name: str, text: str, allowed: str
) -> None:
    variable = variable_name(name)
    right = {variable_name(other): "yes" for other in BOOLEANS if other != name}

    with pytest.raises(UsageError) as raised:
        configure_policy_from_env({**right, variable: text})

    assert raised.value.code == "ERR_INVALID_POLICY_VALUE"
    assert raised.value.message == f"{variable} is {text!r}; allowed: {allowed}"
    assert raised.value.context["setting"] == variable
    assert settings() == DEFAULTS


def test_settings_that_the_environment_does_not_name_stay_as_they_are() -> None:
    configure_policy(on_recorder_error="disable")

    configure_policy_from_env({"CODETRACER_JSON_ERRORS": "1", "CODETRACER_OTHER": "?", "HOME": "/"})

    assert settings() == DEFAULTS | {"on_recorder_error": "disable", "json_errors": True}


def test_the_process_environment_is_what_counts_when_none_is_given() -> None:
    done = run_python(
        "-c",
        "import codetracer as c; c.configure_policy_from_env(); print(c.policy_snapshot())",
        variables={"CODETRACER_REQUIRE_TRACE": "T", "CODETRACER_ON_RECORDER_ERROR": "Disable"},
    )

    changed = {"on_recorder_error": "disable", "require_trace": True}
    assert done.stdout == f"RecorderPolicy({DEFAULTS | changed})\n"


# ---------------------------------------------------------------- logging takes effect


def test_log_file_receives_what_log_level_lets_through(tmp_path: Path) -> None:
    file = tmp_path / "tracer.log"

    configure_policy(log_level="warning", log_file=str(file))
    log.logger().info("too quiet")
    log.logger().warning("loud enough")
    configure_policy(log_level="debug")
    log.logger().debug("quiet, and let through")

    lines = file.read_text(encoding="utf-8").splitlines()
    assert [line.split(" ", 2)[2] for line in lines] == [
        "WARNING codetracer: loud enough",
        "DEBUG codetracer: quiet, and let through",
    ]


def test_log_level_off_lets_nothing_through(tmp_path: Path) -> None:
    file = tmp_path / "tracer.log"

    configure_policy(log_level="off", log_file=str(file))
    log.logger().critical("the end")

    assert file.read_text(encoding="utf-8") == ""


def test_another_log_file_takes_the_place_of_the_first(tmp_path: Path) -> None:
    first, second = tmp_path / "first.log", tmp_path / "second.log"

    configure_policy(log_file=str(first))
    log.logger().error("one")
    configure_policy(log_file=str(second))
    log.logger().error("two")

    assert first.read_text(encoding="utf-8").endswith("one\n")
    assert second.read_text(encoding="utf-8").endswith("two\n")
    assert "one" not in second.read_text(encoding="utf-8")


def test_without_a_log_file_the_logger_is_the_programs_own() -> None:
    logger = logging.getLogger("codetracer")
    before = logger.level, logger.propagate, list(logger.handlers)

    configure_policy(on_recorder_error="disable", json_errors=True)

    assert (logger.level, logger.propagate, logger.handlers) == before


CHANGES: dict[str, Callable[[str], None]] = {
    "configured": lambda file: configure_policy(
        log_file=file, log_level="debug", require_trace=True
    ),
    "environment": lambda file: configure_policy_from_env(
        {"CODETRACER_LOG_FILE": file, "CODETRACER_LOG_LEVEL": "debug"}
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_log_file_that_cannot_be_opened_is_named_and_nothing_changes(
    tmp_path: Path, change: Callable[[str], None]
) -> None:
    good = tmp_path / "good.log"
    bad = str(tmp_path / "missing" / "tracer.log")
    configure_policy(log_file=str(good), log_level="error")
    before = settings()

    with pytest.raises(HostError) as raised:
        change(bad)

    assert raised.value.code == "ERR_IO"
    assert raised.value.message.startswith(f"log file {bad}: No such file or directory;")
    assert raised.value.context == {"file": bad}
    assert settings() == before
    log.logger().warning("not at this level")
    log.logger().error("still here")
    assert good.read_text(encoding="utf-8").count("\n") == 1


def test_a_log_file_whose_name_cannot_be_is_refused_the_same_way() -> None:
    with pytest.raises(HostError, match="null byte"):
        configure_policy(log_file="a\0b")

    assert settings() == DEFAULTS


def test_a_new_log_level_does_not_open_the_log_file_again(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    configure_policy(log_file=str(folder / "tracer.log"))
    folder.rename(tmp_path / "rotated")

    configure_policy(log_level="debug")
    log.logger().debug("to the file that is open")

    assert "to the file" in (tmp_path / "rotated/tracer.log").read_text(encoding="utf-8")
