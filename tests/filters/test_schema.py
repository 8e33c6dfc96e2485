"""Filter files: what they say, and that what is wrong is named by file, line and key."""

import pytest

from codetracer import UsageError
from codetracer.filters.lines import lines_of_keys
from codetracer.filters.model import FilterFile
from codetracer.filters.schema import parse_filter

HEAD = """\
[meta]
name = "demo"
version = 1

[scope]
default_exec = "trace"
default_value_action = "allow"
"""

FULL = """\
[meta]
name = "demo"
version = 1
description = "What it is for."
labels = ["a", "a", "b"]

[io]
capture = true
streams = ["stdout", "files", "stdout"]
modes = []

[scope]
default_exec = "skip"
default_value_action = "drop"

[[scope.rules]]
selector = "pkg:my_app.*"
exec = "trace"
value_default = "redact"
reason = "why"
[[scope.rules.value_patterns]]
selector = "local:regex:^public_"
action = "allow"
reason = "shown"
[[scope.rules.value_patterns]]
selector = "arg:debug"
action = "deny"

[[scope.rules]]
selector = "file:x.py"
exec = "inherit"
value_default = "inherit"
"""


def parse(text: str, *, inherits: bool = True) -> FilterFile:
    return parse_filter(text, "demo.toml", inherits=inherits)


def refusal(text: str, *, inherits: bool = True) -> UsageError:
    with pytest.raises(UsageError) as refused:
        parse(text, inherits=inherits)
    assert refused.value.code == "ERR_INVALID_FILTER"
    return refused.value


def test_a_filter_says_everything_that_the_schema_has() -> None:
    filter_ = parse(FULL)

    first, second = filter_.rules
    assert filter_.name == "demo"
    assert (filter_.default_exec, filter_.default_value_action) == ("skip", "drop")
    assert filter_.io is not None
    assert (filter_.io.capture, filter_.io.streams) == (True, ("stdout", "files"))
    assert (first.selector.text, first.exec, first.value_default) == (
        "pkg:my_app.*",
        "trace",
        "redact",
    )
    assert first.reason == "why"
    assert [(p.selector.text, p.action) for p in first.patterns] == [
        ("local:regex:^public_", "allow"),
        ("arg:debug", "redact"),
    ]
    assert (second.exec, second.value_default, second.patterns) == (None, None, ())
    assert second.reason == "file:x.py"


def test_a_filter_names_functions_by_the_types_that_they_are_for() -> None:
    more = '[[formatters]]\ntype = "shop.make.<locals>.T"\nfunction = "__repr__"\nreason = "why"\n'

    filter_ = parse(FORMATTER + more)

    assert filter_.formatters == {"shop.Order": "shop:text", "shop.make.<locals>.T": "__repr__"}


def test_a_filter_needs_only_its_defaults() -> None:
    filter_ = parse(HEAD)

    assert (filter_.rules, filter_.io) == ((), None)


@pytest.mark.parametrize("key", ["default_exec", "default_value_action"])
def test_a_default_is_inherited_only_where_there_is_a_filter_before(key: str) -> None:
    old = {"default_exec": "trace", "default_value_action": "allow"}[key]
    text = HEAD.replace(f'{key} = "{old}"', f'{key} = "inherit"')

    assert getattr(parse(text), key) is None
    error = refusal(text, inherits=False)
    assert error.context["key"] == f"scope.{key}"
    assert "inherit from" in error.message


RULE = HEAD + '[[scope.rules]]\nselector = "pkg:a"\n'
FORMATTER = HEAD + '[[formatters]]\ntype = "shop.Order"\nfunction = "shop:text"\n'
PATTERN = RULE + '[[scope.rules.value_patterns]]\nselector = "arg:a"\naction = "drop"\n'

WRONG = {
    "unknown key of a formatter": (
        FORMATTER + 'functoin = "a:b"\n',
        11,
        "formatters[0].functoin",
        "(did you mean 'function'?)",
    ),
    "a formatter without a function": (
        HEAD + '[[formatters]]\ntype = "shop.Order"\n',
        8,
        "formatters[0].function",
        "it is missing",
    ),
    "a type without a module": (
        FORMATTER.replace("shop.Order", "Order"),
        9,
        "formatters[0].type",
        "'Order' names no type; write its module and qualified name, such as shop.Order",
    ),
    "a type of builtins": (
        FORMATTER.replace("shop.Order", "builtins.dict"),
        9,
        "formatters[0].type",
        "builtins.dict is recorded as it is",
    ),
    "a type that comes twice": (
        FORMATTER + '[[formatters]]\ntype = "shop.Order"\nfunction = "shop:other"\n',
        12,
        "formatters[1].type",
        "there is a formatter for shop.Order above",
    ),
    "no function": (
        FORMATTER.replace("shop:text", "shop.text"),
        10,
        "formatters[0].function",
        "'shop.text' is not the name of a function; write module:function, module:Class.method",
    ),
    "unknown table": (HEAD + "[metta]\n", 8, "metta", "(did you mean 'meta'?)"),
    "unknown key": (HEAD + 'exec = "skip"\n', 8, "scope.exec", "there is no such key"),
    "close key": (
        RULE + 'vlaue_default = "drop"\n',
        10,
        "scope.rules[0].vlaue_default",
        "(did you mean 'value_default'?)",
    ),
    "unknown key of a pattern": (
        PATTERN + 'exec = "skip"\n',
        13,
        "scope.rules[0].value_patterns[0].exec",
        "allowed here: selector, action, reason",
    ),
    "unknown key of io": (HEAD + "[io]\nx = 1\n", 9, "io.x", "there is no such key"),
    "unknown exec": (
        RULE + 'exec = "skipp"\n',
        10,
        "scope.rules[0].exec",
        "'skipp' is not known (did you mean 'skip'?); allowed: trace, skip, inherit",
    ),
    "unknown default": (
        HEAD.replace('"allow"', '"alow"'),
        7,
        "scope.default_value_action",
        "allowed: allow, redact, drop, deny, inherit",
    ),
    "unknown action": (
        PATTERN.replace('"drop"', '"inherit"'),
        12,
        "scope.rules[0].value_patterns[0].action",
        "allowed: allow, redact, drop, deny",
    ),
    "wrong selector": (
        RULE.replace("pkg:", "local:"),
        9,
        "scope.rules[0].selector",
        "selects values, not scopes",
    ),
    "wrong pattern": (
        PATTERN.replace("arg:a", "arg:regex:(?=a)"),
        11,
        "scope.rules[0].value_patterns[0].selector",
        "lookahead",
    ),
    "no selector": (
        HEAD + '[[scope.rules]]\nexec = "skip"\n',
        8,
        "scope.rules[0].selector",
        "missing",
    ),
    "no action": (
        PATTERN.replace('action = "drop"\n', ""),
        10,
        "scope.rules[0].value_patterns[0].action",
        "missing",
    ),
    "no meta": (HEAD[HEAD.index("[scope]") :], 1, "meta", "it is missing"),
    "no version": (HEAD.replace("version = 1\n", ""), 1, "meta.version", "it is missing"),
    "no name": (HEAD.replace('name = "demo"\n', ""), 1, "meta.name", "it is missing"),
    "empty name": (HEAD.replace('"demo"', '" "'), 2, "meta.name", "it is empty"),
    "no default": (
        HEAD.replace('default_exec = "trace"\n', ""),
        5,
        "scope.default_exec",
        "it is missing",
    ),
    "newer version": (
        HEAD.replace("version = 1", "version = 2") + "[future]\n",
        3,
        "meta.version",
        "newer than the newest known one (1)",
    ),
    "no version at all": (HEAD.replace("version = 1", "version = 0"), 3, "meta.version", "0 is no"),
    "version of another type": (
        HEAD.replace("version = 1", "version = true"),
        3,
        "meta.version",
        "True is not a version",
    ),
    "not a table": ("meta = 1\n" + HEAD[HEAD.index("[scope]") :], 1, "meta", "1 is not a table"),
    "not a list": (HEAD + "rules = 1\n", 8, "scope.rules", "1 is not a list"),
    "not a rule": (HEAD + "rules = [\n  1]\n", 9, "scope.rules[0]", "1 is not a table"),
    "not a text": (RULE + "reason = 5\n", 10, "scope.rules[0].reason", "5 is not a text"),
    "labels": (
        HEAD.replace("version = 1", "version = 1\nlabels = [\n'a',\n2]"),
        6,
        "meta.labels[1]",
        "2 is not a text",
    ),
    "unknown stream": (
        HEAD + '[io]\ncapture = true\nstreams = ["stdoud"]\n',
        10,
        "io.streams[0]",
        "(did you mean 'stdout'?)",
    ),
    "capture of nothing": (
        HEAD + "[io]\ncapture = true\n",
        8,
        "io.streams",
        "capture needs one or more",
    ),
    "capture of another type": (HEAD + "[io]\ncapture = 1\n", 9, "io.capture", "neither true"),
    "modes": (HEAD + '[io]\nmodes = ["a"]\n', 9, "io.modes", "reserved"),
    "not TOML": (HEAD + 'x = \n"\n', 8, "", "it is not TOML: Invalid value"),
    "not TOML at the end": (HEAD + "x =", 8, "", "it is not TOML"),
    "twice the same key": (
        HEAD + 'default_exec = "skip"\n',
        8,
        "",
        "it is not TOML: Cannot overwrite",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named_by_file_line_and_key(what: str) -> None:
    text, line, key, says = WRONG[what]

    error = refusal(text)

    assert error.context == {"file": "demo.toml", "line": line, "key": key}
    named = f", {key}" if key else ""
    assert error.message.startswith(f"demo.toml, line {line}{named}: ")
    assert says in error.message


def test_lines_are_the_same_with_windows_line_ends() -> None:
    error = refusal((RULE + 'exec = "skipp"\n').replace("\n", "\r\n"))

    assert error.context["line"] == 10


def test_a_file_that_is_nested_beyond_measure_is_refused() -> None:
    error = refusal(f"x = {'[' * 100_000}{']' * 100_000}")

    assert error.context["file"] == "demo.toml"


def test_every_way_to_write_a_key_has_its_line() -> None:
    text = '''\
# a comment
top = """
[[not.a.table]]
x = 1 \\""" """
"quoted key" . 'b' = 1
[a.b]  # [c]
c = [ # ]
  "x, ]",
  { d = 1, "e.f" = \'\'\'
]\'\'\' },
]
[[r]]
k = 'it # is'
[[r.s]]
k = 1979-05-27 07:32:00
[[r.s]]
k = true
[r.t]
[[r]]
k.l.m = { n = [ [], [ 1 ] ] }
k.l.o = [ 1 , 2
  , ]
'''

    lines = lines_of_keys(text)

    assert lines == {
        (): 1,
        ("top",): 2,
        ("quoted key",): 5,
        ("quoted key", "b"): 5,
        ("a",): 6,
        ("a", "b"): 6,
        ("a", "b", "c"): 7,
        ("a", "b", "c", 0): 8,
        ("a", "b", "c", 1): 9,
        ("a", "b", "c", 1, "d"): 9,
        ("a", "b", "c", 1, "e.f"): 9,
        ("r",): 12,
        ("r", 0): 12,
        ("r", 0, "k"): 13,
        ("r", 0, "s"): 14,
        ("r", 0, "s", 0): 14,
        ("r", 0, "s", 0, "k"): 15,
        ("r", 0, "s", 1): 16,
        ("r", 0, "s", 1, "k"): 17,
        ("r", 0, "t"): 18,
        ("r", 1): 19,
        ("r", 1, "k"): 20,
        ("r", 1, "k", "l"): 20,
        ("r", 1, "k", "l", "m"): 20,
        ("r", 1, "k", "l", "m", "n"): 20,
        ("r", 1, "k", "l", "m", "n", 0): 20,
        ("r", 1, "k", "l", "m", "n", 1): 20,
        ("r", 1, "k", "l", "m", "n", 1, 0): 20,
        ("r", 1, "k", "l", "o"): 21,
        ("r", 1, "k", "l", "o", 0): 21,
        ("r", 1, "k", "l", "o", 1): 21,
    }
