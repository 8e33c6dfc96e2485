"""Chains of filters: where they come from, which rule wins, and what becomes of values."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from codetracer import UsageError
from codetracer.filters import FilterChain, Scope, load_chain
from tests.support.project import ROOT

HEAD = """\
[meta]
name = "{name}"
version = 1
[scope]
default_exec = "{exec}"
default_value_action = "{values}"
"""

type Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return what writes a filter file below the test's folder and returns its path."""

    def write(file: str, rules: str = "", exec: str = "inherit", values: str = "inherit") -> str:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        head = HEAD.format(name=path.stem, exec=exec, values=values)
        path.write_text(head + rules, encoding="utf-8")
        return str(path)

    return write


def rule(selector: str, *patterns: tuple[str, str], **settings: str) -> str:
    lines = ["[[scope.rules]]", f"selector = '{selector}'"]
    lines += [f"{key} = '{value}'" for key, value in settings.items()]
    for pattern, action in patterns:
        lines += ["[[scope.rules.value_patterns]]", f"selector = '{pattern}'"]
        lines += [f"action = '{action}'"]
    return "\n".join(lines) + "\n"


def chain(*files: str, builtin: Sequence[str] = ("default",), start: str = "/") -> FilterChain:
    return load_chain(start, environ={}, command_line=files, builtin=builtin)


def scope(
    of: FilterChain, package: str = "app", file: str = "/app.py", obj: str = "app.f"
) -> Scope:
    return of.scope(package, file, obj)


# ---------------------------------------------------------------- where filters come from


def test_a_chain_is_built_in_then_project_then_environment_then_command_line(
    write: Write, tmp_path: Path
) -> None:
    project = write(".codetracer/trace-filter.toml")
    files = [write(f"{name}.toml") for name in "abcde"]

    loaded = load_chain(
        str(tmp_path / "not" / "there"),
        environ={"CODETRACER_TRACE_FILTER": f"{files[0]}::{files[1]}"},
        command_line=[f"{files[2]}::{files[3]}", files[4]],
        builtin=["default", "pytest"],
    )

    assert [(source.name, source.path, source.origin) for source in loaded.sources] == [
        ("builtin-default", None, "builtin"),
        ("builtin-pytest", None, "builtin"),
        ("trace-filter", project, "project"),
        ("a", files[0], "environment"),
        ("b", files[1], "environment"),
        ("c", files[2], "command line"),
        ("d", files[3], "command line"),
        ("e", files[4], "command line"),
    ]
    assert loaded.sources[0].label == "<builtin default>"
    assert loaded.sources[2].label == project


def test_the_nearest_project_filter_is_the_only_one(write: Write, tmp_path: Path) -> None:
    write(".codetracer/trace-filter.toml")
    near = write("inner/.codetracer/trace-filter.toml")
    (tmp_path / "inner/deep").mkdir()

    loaded = load_chain(str(tmp_path / "inner/deep"), environ={})

    assert [source.path for source in loaded.sources] == [None, near]


def test_relative_paths_and_the_home_folder_are_resolved_and_an_empty_variable_is_none(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a.toml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    loaded = load_chain(
        "/", environ={"CODETRACER_TRACE_FILTER": ""}, command_line=["a.toml::~/a.toml"]
    )

    path = os.path.join(os.getcwd(), "a.toml")
    assert [source.path for source in loaded.sources[1:]] == [path, str(tmp_path / "a.toml")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}/none.toml", "No such file or directory"),
        ("{}", "Is a directory"),
        ("", "names no file"),
        ("{}/a.toml::", "on one side of a ::"),
        ("{}/a\0b", "null byte"),
        ("{}/latin.toml", "line 2 is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_where_it_was_named(
    text: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "latin.toml").write_bytes(b"#\n# \xe9\n")

    with pytest.raises(UsageError) as refused:
        chain(text.format(tmp_path))

    assert refused.value.code == "ERR_INVALID_FILTER"
    assert says in refused.value.message
    assert "command line" in refused.value.message


def test_a_project_filter_that_is_a_broken_link_is_not_overlooked(tmp_path: Path) -> None:
    (tmp_path / ".codetracer").mkdir()
    (tmp_path / ".codetracer/trace-filter.toml").symlink_to(tmp_path / "gone")

    with pytest.raises(UsageError, match=r"\(project\): No such file"):
        load_chain(str(tmp_path), environ={})


def test_a_wrong_file_is_named_with_its_path_and_line(write: Write) -> None:
    path = write("a.toml", rule("pkg:a", exec="skipp"))

    with pytest.raises(UsageError) as refused:
        chain(path)

    assert refused.value.context == {"file": path, "line": 9, "key": "scope.rules[0].exec"}


def test_the_first_filter_of_a_chain_has_nothing_to_inherit(write: Write) -> None:
    with pytest.raises(UsageError, match="inherit from"):
        chain(write("a.toml"), builtin=())


def test_a_mark_of_utf_8_before_the_text_is_taken_off(tmp_path: Path) -> None:
    text = HEAD.format(name="a", exec="skip", values="allow")
    (tmp_path / "a.toml").write_text(text, encoding="utf-8-sig")

    assert not scope(chain(str(tmp_path / "a.toml"))).traced


def test_the_last_filter_with_io_decides_on_io(write: Write) -> None:
    on = write("on.toml")
    Path(on).write_text(
        Path(on).read_text(encoding="utf-8") + "[io]\ncapture = true\nstreams = ['stdin']\n",
        encoding="utf-8",
    )
    silent = write("silent.toml")

    io = chain(on, silent).io

    assert io is not None
    assert (io.capture, io.streams) == (True, ("stdin",))
    assert chain(silent).io is None


# ---------------------------------------------------------------- which rule wins


def test_the_last_rule_that_matches_decides_whatever_file_it_is_in(write: Write) -> None:
    first = write("first.toml", rule("pkg:app", exec="skip") + rule("obj:app.f", exec="trace"))
    second = write("second.toml", rule("file:/app.py", exec="skip", reason="too loud"))

    assert scope(chain(first)).traced
    assert not scope(chain(first), obj="app.g").traced
    decided = scope(chain(first, second))
    assert (decided.traced, decided.reason) == (False, "second: too loud")
    assert scope(chain(first)).reason == "first: obj:app.f"


def test_a_rule_without_exec_leaves_it_as_it_was(write: Write) -> None:
    path = write("a.toml", rule("pkg:app", exec="skip") + rule("obj:app.f", value_default="drop"))

    assert scope(chain(path)).reason == "a: pkg:app"


def test_a_default_is_that_of_the_last_filter_that_has_one_and_rules_go_before_it(
    write: Write,
) -> None:
    first = write("first.toml", rule("pkg:app", exec="trace"), exec="trace", values="redact")
    second = write("second.toml", exec="skip")

    both = chain(first, second)

    assert scope(both).traced
    other = scope(both, package="other", obj="other.f")
    assert (other.traced, other.reason) == (False, "second: scope.default_exec")
    assert other.action("local", "x") == "redact"


def test_paths_count_from_the_folder_of_the_project_and_of_the_filter(
    write: Write, tmp_path: Path
) -> None:
    write(".codetracer/trace-filter.toml", rule("file:src/*.py", exec="skip"))
    named = write("conf/a.toml", rule("file:x.py", exec="skip") + rule("file:lib/*", exec="skip"))
    loaded = chain(named, start=str(tmp_path / "src"))

    def traced(file: str) -> bool:
        return scope(loaded, file=str(tmp_path / file)).traced

    assert not traced("src/a.py")
    assert not traced("lib/a.py")
    assert not traced("conf/x.py")
    assert traced("conf/src/a.py")
    assert traced("other/lib/a.py")


def test_a_folder_is_the_same_under_each_of_its_names(write: Write, tmp_path: Path) -> None:
    write("real/.codetracer/trace-filter.toml", rule("file:src/*.py", exec="skip"))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    loaded = load_chain(str(tmp_path / "link"), environ={})

    for name in ("real", "link"):
        assert not scope(loaded, file=str(tmp_path / name / "src/a.py")).traced
        assert scope(loaded, file=str(tmp_path / name / "x/src/a.py")).traced


def test_paths_in_a_filter_below_a_codetracer_folder_count_from_that_ones_place(
    write: Write, tmp_path: Path
) -> None:
    loaded = chain(write(".codetracer/more/a.toml", rule("file:src/*.py", exec="skip")))

    assert not scope(loaded, file=str(tmp_path / "src/a.py")).traced
    assert scope(loaded, file=str(tmp_path / ".codetracer/more/src/a.py")).traced


def test_without_a_project_filter_paths_count_from_the_working_folder(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = chain(write("conf/a.toml", rule("file:src/*.py", exec="skip")))

    assert not scope(loaded, file=f"{os.getcwd()}/src/a.py").traced
    assert scope(loaded, file=f"{os.getcwd()}/x/src/a.py").traced


# ---------------------------------------------------------------- what becomes of values


def test_inside_a_list_the_first_pattern_of_the_kind_decides(write: Write) -> None:
    patterns = [("arg:x*", "drop"), ("local:x1", "redact"), ("local:x*", "drop")]
    here = scope(chain(write("a.toml", rule("pkg:app", *patterns))))

    assert [here.action("local", name) for name in ("x1", "x2", "y")] == ["redact", "drop", "allow"]
    assert here.action("arg", "x1") == "drop"
    assert here.action("global", "x1") == "allow"


def test_a_later_rules_patterns_replace_earlier_ones_even_when_it_has_none(write: Write) -> None:
    first = write("first.toml", rule("pkg:app", ("local:x", "redact"), ("local:y", "redact")))
    second = write("second.toml", rule("pkg:app", ("local:y", "drop")))
    third = write("third.toml", rule("pkg:app", exec="trace"))

    assert scope(chain(first, second)).action("local", "x") == "allow"
    assert scope(chain(first, second)).action("local", "y") == "drop"
    assert scope(chain(first, third)).action("local", "y") == "allow"
    assert scope(chain(first, third), package="other").action("local", "y") == "allow"


def test_what_is_redacted_by_default_stays_so_under_rules_that_do_not_name_it(write: Write) -> None:
    loud = write("a.toml", rule("pkg:*", ("global:*", "drop"), exec="trace", value_default="allow"))
    here = scope(chain(loud))

    assert here.action("local", "password") == "redact"
    assert here.action("local", "count") == "allow"
    assert here.action("global", "password") == "drop"


def test_only_a_pattern_that_allows_it_shows_what_is_redacted_by_default(write: Write) -> None:
    path = write("a.toml", rule("obj:app.f", ("local:token", "allow")))

    assert scope(chain(path)).action("local", "token") == "allow"
    assert scope(chain(path)).action("arg", "token") == "redact"
    assert scope(chain(path), obj="app.g").action("local", "token") == "redact"


def test_redaction_by_default_never_shows_more_than_a_filters_own_default(write: Write) -> None:
    here = scope(chain(write("a.toml", values="drop")))

    assert here.action("local", "password") == "drop"
    # Its list shows this one where the default allows.
    assert here.action("local", "max_tokens") == "drop"


def test_a_default_of_drop_discards_what_earlier_files_let_through(write: Write) -> None:
    early = write("early.toml", rule("pkg:app", ("local:x", "allow")))
    late = write("late.toml", values="drop")
    mild = write("mild.toml", values="redact")
    own = write("own.toml", rule("pkg:app", ("local:x", "allow")), values="drop")

    assert scope(chain(early, late)).action("local", "x") == "drop"
    assert scope(chain(early, mild)).action("local", "x") == "allow"
    assert scope(chain(own)).action("local", "x") == "allow"
    assert scope(chain(own)).action("local", "y") == "drop"


def test_a_rule_that_drops_keeps_its_own_patterns_whatever_later_files_have_as_default(
    write: Write,
) -> None:
    early = write("early.toml", rule("pkg:app", ("local:x", "allow"), value_default="drop"))
    late = write("late.toml", values="drop")

    assert scope(chain(early, late)).action("local", "x") == "allow"
    assert scope(chain(early, late)).action("local", "y") == "drop"


class Shady(str):
    def __hash__(self) -> int:
        raise AssertionError("code of the program")

    __eq__ = __hash__  # type: ignore[assignment]


def test_a_name_that_only_looks_like_text_is_not_asked_anything(write: Write) -> None:
    here = scope(chain(write("a.toml", rule("pkg:app", ("local:literal:x", "drop")))))

    assert here.action("local", Shady("x")) == "drop"
    assert here.action("local", Shady("password")) == "redact"


# ---------------------------------------------------------------- what is built in


def _words(text: str) -> list[str]:
    return text.split()


SECRET = _words("""
password passwd Password PASSWORD user_password userPassword userpassword password1
hashed_password pwd db_pwd DB_PWD pw userPw userPwd passphrase db_pass login_pass
token user_token userToken USER_TOKEN TokenValue authtoken token2 HTTPToken refresh_token
secret secrets SECRET clientSecret client_secret clientsecret
api_key apikey apiKey API_KEY APIKey API_KEYS private_key privateKey PRIVATE_KEY SECRET_KEY
session_key sessionKey session_id sessionId AWS_ACCESS_KEY_ID ssh_key rsa_key
credential credentials creds auth basic_auth basicAuth authorization auth_token auth_cookie
auth_header cookie cookies jwt ssn iban cvv credit_card card_number _C__token
""")
PLAIN = _words("""
tokenize tokenizer Tokenizer tokenization tokens max_tokens num_tokens token_count token_type
key keys k primary_key public_key cache_key sort_key keyboard monkey monkey_patch keyword turkey
private_keyboard PRIVATE_KEYBOARD privateKeyboard spawn PWM
author authors authenticate authenticated session sessions passed passes pass_count first_pass
bypass compass secretary cookbook credit card access private api
""")
KINDS = ("local", "global", "arg", "attr", "ret")


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_secrets_are_redacted_and_names_like_them_are_not(kind: str) -> None:
    here = scope(chain())
    action: Callable[[str, str], str] = here.action  # type: ignore[assignment]

    assert [name for name in SECRET if action(kind, name) != "redact"] == []
    assert [name for name in PLAIN if action(kind, name) != "allow"] == []


def test_of_the_function_that_returns_a_value_only_its_own_name_counts() -> None:
    here = scope(chain())

    for secret in ("app.auth.get_token", "app.User.password", "m.apiKey", "app.API_KEY", "a.auth"):
        assert here.action("ret", secret) == "redact", secret
    for plain in (
        "app.tokens.index",
        "app.auth.login",
        "token.main",
        "password.check",
        "api_key.f",
        "app.max_tokens",
        "SECRETS.F",
        "Token.__init__",
    ):
        assert here.action("ret", plain) == "allow", plain


def test_the_standard_library_is_skipped_and_what_is_installed_in_it_is_not() -> None:
    library = os.path.dirname(os.__file__)

    def traced(file: str, package: str = "x") -> bool:
        return scope(chain(), package, file).traced

    assert not traced(f"{library}/json/decoder.py")
    assert not traced(os.path.realpath(f"{library}/json/decoder.py"))
    assert traced(f"{library}/site-packages/requests/api.py")
    assert traced(f"{library}/dist-packages/apt.py")
    assert traced(f"{library}_of_mine/json/decoder.py")
    assert traced(f"/project{library}/a.py")
    assert traced("<string>")
    assert not traced("/venv/a.py", "_distutils_hack")
    assert not traced("/venv/a.py", "__editable___demo_finder")
    # What is run with -m is the program.
    assert traced(f"{library}/json/tool.py", "__main__")


def test_the_standard_library_may_be_in_a_folder_of_any_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "__file__", "/it's (a) [b]/lib/os.py")

    assert not scope(chain(), file="/it's (a) [b]/lib/json.py").traced
    assert scope(chain(), file="/it's a b/lib/json.py").traced


def test_a_scope_without_a_module_is_redacted_as_any_other() -> None:
    assert chain().scope("", "<string>", "f").action("local", "password") == "redact"


def test_pytest_and_its_plugins_are_skipped_and_tests_are_not() -> None:
    both = chain(builtin=("default", "pytest"))

    def traced(package: str, file: str) -> bool:
        return scope(both, package, file).traced

    assert not traced("_pytest.runner", "/v/site-packages/_pytest/runner.py")
    assert not traced("pluggy", "/v/x/pluggy/__init__.py")
    assert not traced("pytest_cov.plugin", "/v/site-packages/pytest_cov/plugin.py")
    assert not traced("__main__", "/v/site-packages/pytest/__main__.py")
    assert traced("pytest_helpers", "/home/me/pytest_helpers.py")
    assert traced("test_a", "/home/me/tests/test_a.py")
    assert traced("python_lib", "/v/site-packages/python_lib.py")
    assert not traced("hypothesis.core", "/v/site-packages/hypothesis/core.py")
    assert not traced("_hypothesis_pytestplugin", "/v/site-packages/_hypothesis_pytestplugin.py")
    assert not traced("anyio.pytest_plugin", "/v/site-packages/anyio/pytest_plugin.py")
    assert not traced("pygments.lexer", "/v/dist-packages/pygments/lexer.py")
    assert traced("anyio.to_thread", "/v/site-packages/anyio/to_thread.py")
    for package in ("app", "_pytest.runner"):
        assert scope(both, package).action("local", "password") == "redact"
    assert scope(chain(), "_pytest.runner", "/x.py").traced


@pytest.mark.parametrize(
    "package", ["hypothesis", "pygments", "packaging", "py", "coverage", "colorama", "pytest_mine"]
)
def test_what_pytest_uses_is_recorded_in_the_folder_of_who_develops_it(package: str) -> None:
    both = chain(builtin=("default", "pytest"))

    assert scope(both, f"{package}.part", f"/home/me/src/{package}/part.py").traced
    assert not scope(both, f"{package}.part", f"/v/site-packages/{package}/part.py").traced


def test_unittest_is_skipped_even_as_the_main_module() -> None:
    main = os.path.join(os.path.dirname(os.__file__), "unittest", "__main__.py")

    assert scope(chain(), "__main__", main).traced
    assert not scope(chain(builtin=("default", "unittest")), "__main__", main).traced
    assert not scope(chain(builtin=("unittest",)), "unittest.case", "/x.py").traced
    assert scope(chain(builtin=("default", "unittest")), "unittest_of_mine", "/x.py").traced


def test_there_is_no_other_built_in_filter() -> None:
    with pytest.raises(ValueError, match="there are default, pytest, unittest"):
        chain(builtin=("../builtin/default",))


def test_filters_load_only_the_standard_library_and_none_of_it_that_is_slow() -> None:
    code = (
        "import sys, codetracer.runtime.filtering; from codetracer.filters import load_chain;"
        "load_chain('/', environ={}); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "generated")))},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )

    loaded = set(done.stdout.split())
    tops = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names - {"__main__"}
    assert tops == {"codetracer", "codetracer_bindings"}
    slow = {"argparse", "dataclasses", "difflib", "inspect", "json", "logging", "pathlib"}
    assert loaded & slow == set()
