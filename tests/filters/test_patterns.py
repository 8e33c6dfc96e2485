"""Globs and regexes of filter files: what they match, and what is refused rather than misread."""

import pytest

from codetracer.filters.model import PatternError
from codetracer.filters.patterns import compile_glob, compile_regex
from codetracer.filters.selectors import SCOPE_KINDS, VALUE_KINDS, file_test, parse_selector


@pytest.mark.parametrize(
    ("glob", "name", "matches"),
    [
        ("my_app.*", "my_app.core.api", True),
        ("my_app.*", "my_app", False),
        ("my_app.*", "not_my_app.core", False),
        ("user_?", "user_1", True),
        ("user_?", "user_12", False),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/deep/a.py", False),
        ("src/?.py", "src//.py", False),
        ("src/**", "src/deep/a.py", True),
        ("src/**", "src", False),
        ("src/**", "src/", False),
        ("src/**/a.py", "src/a.py", True),
        ("src/**/a.py", "src/x/y/a.py", True),
        ("src/**/a.py", "src/x/b_a.py", False),
        ("**/test_*.py", "test_a.py", True),
        ("**/test_*.py", "x/y/test_a.py", True),
        ("**", "any/thing", True),
        ("a**b", "a/b", False),
        ("a**b", "axxb", True),
        ("{a,b/**}", "b/c/d", True),
        ("{a,b}.py", "b.py", True),
        ("{a,b}.py", "c.py", False),
        ("a,b", "a,b", True),
        ("[a-c]x", "bx", True),
        ("[!a-c]x", "bx", False),
        ("[!a-c]x", "dx", True),
        ("[!a]x", "/x", False),
        ("[]]x", "]x", True),
        ("[&&]x", "&x", True),
        (r"\*x", "*x", True),
        (r"\*x", "ax", False),
        ("a.b", "aXb", False),
        ("line", "line\n", False),
    ],
)
def test_a_glob_matches_a_whole_name_and_stars_stop_at_slashes(
    glob: str, name: str, matches: bool
) -> None:
    assert bool(compile_glob(glob).match(name)) is matches


@pytest.mark.parametrize("glob", ["[a", "{a,b", "a}", "a\\", "[z-a]", "[", "[]"])
def test_a_glob_that_is_not_closed_or_is_backwards_is_refused(glob: str) -> None:
    with pytest.raises(PatternError) as refused:
        compile_glob(glob)

    assert repr(glob) in str(refused.value)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        # Anywhere in the name, as Rust's is_match has it.
        ("secret", "my_secret_thing", True),
        ("^secret$", "my_secret", False),
        # A flag in the middle holds to the end of its group, through any |.
        ("a(?i)b|c", "aB", True),
        ("a(?i)b|c", "AB", False),
        ("a(?i)b|c", "C", True),
        ("(a(?i)b|c)d", "aBd", True),
        ("(a(?i)b|c)d", "aBD", False),
        ("(?i)token|key", "KEY", True),
        ("(?i)a(?-i)b", "Ab", True),
        ("(?i)a(?-i)b", "AB", False),
        ("(?i-s:A.)", "a\n", False),
        ("(?s)a.b", "a\nb", True),
        ("(?u)a", "a", True),
        ("(?U)a+", "aa", True),
        ("(?<name>a)b", "ab", True),
        ("(?P<name>a)b", "ab", True),
        ("(?:a|b)c", "bc", True),
        (r"\Aa\z", "a", True),
        (r"\Aa\z", "a\n", False),
        ("a$", "a\n", False),
        ("(?m)a$", "a\nb", True),
        (r"[[:upper:]]+", "aBc", True),
        (r"^[[:alpha:]]+$", "l:a", False),
        (r"^[[:alpha:]_]+$", "l_a", True),
        (r"^[^[:digit:]]$", "1", False),
        (r"^\x41\x{42}\u0043\U00000044$", "ABCD", True),
        (r"\<app\>", "my app", True),
        (r"\<app\>", "myapp", False),
        (r"\b{start}app\b{end}", "my app", True),
        (r"[\\/]lib[\/]", "/lib/", True),
        ("[]a]", "]", True),
        ("[^]a]", "]", False),
        ("[a|b||]", "|", True),
        (r"\++", "++", True),
        (r"a{2,3}", "aa", True),
    ],
)
def test_a_regex_means_what_it_means_in_rust(pattern: str, name: str, matches: bool) -> None:
    assert bool(compile_regex(pattern).search(name)) is matches


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(?=a)", "lookahead"),
        ("(?!a)", "lookahead"),
        ("(?<=a)b", "lookbehind"),
        ("(?<!a)b", "lookbehind"),
        ("(?>a)", "atomic"),
        ("(?#a)", "comments"),
        (r"(a)\1", "backreferences"),
        ("(?P<n>a)(?P=n)", "backreferences"),
        ("(a)(?(1)b)", "conditions"),
        (r"\pL", "Unicode"),
        (r"\p{Greek}", "Unicode"),
        ("[a&&b]", "&&"),
        ("[a--b]", "--"),
        ("[a~~b]", "~~"),
        ("[a[b]]", r"write \["),
        ("[[:nope:]]", r"write \["),
        (r"[\b]", "place"),
        (r"[\<]", "place"),
        ("a++", "repeats"),
        ("a{2}+", "repeats"),
        ("(?x)a", "'x'"),
        ("(?-u)a", "'u'"),
        (r"\Z", "means nothing"),
        (r"\y", "means nothing"),
        ("a\\", "means nothing"),
        (r"\x4", "number of a character"),
        (r"\x{110000}", "number of a character"),
        ("(a", "not closed"),
        ("a)", "without"),
        ("[a", "not closed"),
        ("(?P>a)", "begins no group"),
        ("*a", "nothing to repeat"),
        ("a**", "multiple repeat"),
    ],
)
def test_a_regex_that_python_would_read_otherwise_is_refused(pattern: str, says: str) -> None:
    with pytest.raises(PatternError) as refused:
        compile_regex(pattern)

    assert says in str(refused.value)
    assert repr(pattern) in str(refused.value)


@pytest.mark.parametrize(
    ("text", "kind", "match", "pattern"),
    [
        ("pkg:a.*", "pkg", "glob", "a.*"),
        ("pkg:glob:a.*", "pkg", "glob", "a.*"),
        ("obj:regex:^a::b:c$", "obj", "regex", "^a::b:c$"),
        ("obj:literal:a:b", "obj", "literal", "a:b"),
        ("file:./src/**", "file", "glob", "src/**"),
    ],
)
def test_a_selector_is_split_at_most_twice(text: str, kind: str, match: str, pattern: str) -> None:
    selector = parse_selector(text, SCOPE_KINDS)

    assert (selector.kind, selector.match, selector.pattern) == (kind, match, pattern)
    assert selector.text == text


def test_a_literal_matches_itself_only() -> None:
    selector = parse_selector("local:literal:user.*", VALUE_KINDS)

    assert selector.test("user.*")
    assert not selector.test("user.x")
    assert not selector.test("User.*")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no such kind as ''"),
        ("pkg", "write kind:pattern"),
        ("pkg:", "has no pattern"),
        ("pkg:glob:", "has no pattern"),
        ("pgk:a", "(did you mean 'pkg'?)"),
        ("local:a", "selects values, not scopes; allowed here: pkg, file, obj"),
        ("pkg:regexp:a", "(did you mean 'regex'?); allowed: glob, regex, literal"),
        ("pkg::a", "no match called ''"),
        ("pkg:regex:(", "not closed"),
    ],
)
def test_a_wrong_selector_is_refused_with_what_would_be_right(text: str, says: str) -> None:
    with pytest.raises(PatternError) as refused:
        parse_selector(text, SCOPE_KINDS)

    assert says in str(refused.value)


def test_a_scope_selector_has_no_place_among_values() -> None:
    with pytest.raises(PatternError, match="selects scopes, not values; allowed here: local"):
        parse_selector("pkg:a", VALUE_KINDS)


BASES = ("/home/tests/app/", "/home/tests/app/filters/")


@pytest.mark.parametrize(
    ("text", "file", "matches"),
    [
        ("file:src/*.py", "/home/tests/app/src/a.py", True),
        ("file:src/*.py", "/elsewhere/src/a.py", False),
        ("file:x.py", "/home/tests/app/filters/x.py", True),
        ("file:filters/x.py", "/home/tests/app/filters/x.py", True),
        # What lies above the project does not count.
        ("file:**/tests/**", "/home/tests/app/src/a.py", False),
        ("file:regex:tests/", "/home/tests/app/src/a.py", False),
        ("file:regex:tests/", "/home/tests/app/tests/a.py", True),
        ("file:regex:^src/", "/home/tests/app/src/a.py", True),
        ("file:regex:^src/", "/elsewhere/src/a.py", False),
        # Outside of it there is only the absolute path.
        ("file:regex:tests/", "/elsewhere/tests/a.py", True),
        ("file:**/tests/**", "/elsewhere/tests/a.py", True),
        ("file:/home/**", "/home/tests/app/src/a.py", True),
        ("file:/src/*.py", "/home/tests/app/src/a.py", True),
        ("file:/src/*.py", "/home/tests/app/x/src/a.py", False),
        ("file:regex:^/home/", "/home/tests/app/src/a.py", True),
        ("file:regex:^/src/", "/home/tests/app/src/a.py", False),
        ("file:literal:src/a.py", "/home/tests/app/src/a.py", True),
        ("file:literal:./src/../src/a.py", "/home/tests/app/src/a.py", True),
        ("file:literal:/home/tests/app/src/a.py", "/home/tests/app/src/a.py", True),
        ("file:literal:a.py", "/home/tests/app/src/a.py", False),
        ("file:literal:<string>", "<string>", True),
        ("file:glob:<*>", "<string>", True),
    ],
)
def test_a_files_path_counts_from_the_project_on(text: str, file: str, matches: bool) -> None:
    test = file_test(parse_selector(text, SCOPE_KINDS), BASES)

    assert bool(test(file)) is matches
