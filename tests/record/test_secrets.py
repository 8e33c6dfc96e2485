"""Secrets stay out of recordings, wherever a program has them; what is none stays in."""

import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import codetracer
from codetracer.monitoring.backend import VARIABLE
from codetracer.replay import CallEvent, CutText, Hidden, OutputEvent
from tests.support import warm
from tests.support.reading import read
from tests.support.recordings import BACKENDS, ENVIRON, NATIVE, an_object, last, record
from tests.support.running import Outcome, execute, trace_environ, write
from tests.support.secret_programs import HARMLESS, placed


def recorded(
    folder: Path,
    program: str,
    backend: str,
    *options: str,
    arguments: tuple[str, ...] = (),
    stdin: str = "",
    environ: dict[str, str] | None = None,
) -> Outcome:
    """Record ``app.py`` into ``out``, without a terminal that getpass could find."""
    write(folder, {"app.py": program})
    if warm.fits(environ or {}):
        # The processes that it is forked from have a session of their own, too.
        words = ("-m", "codetracer", "record", "-o", "out", *options, "app.py", *arguments)
        variables = {VARIABLE: backend} | (environ or {})
        return execute(*words, cwd=folder, stdin=stdin, environ=variables)
    process = subprocess.run(
        [
            *(sys.executable, "-m", "codetracer", "record", "-o", "out"),
            *(*options, "app.py", *arguments),
        ],
        cwd=folder,
        input=stdin.encode(),
        capture_output=True,
        timeout=120,
        check=False,
        env=trace_environ() | (environ or {}) | {VARIABLE: backend},
        start_new_session=True,
    )
    return Outcome(process.returncode, process.stdout.decode(), process.stderr.decode())


def content(folder: Path) -> bytes:
    """Return all that a recording has on the disk, but the copies of sources."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"\n".join(
        path.read_bytes() for path in files if "sources" not in path.relative_to(folder).parts
    )


def found(folder: Path, secrets: list[str]) -> list[str]:
    """Return the secrets of which a recording has the first six characters or more."""
    whole = content(folder)
    return [secret for secret in secrets if secret[:6].encode() in whole]


@pytest.mark.slow
@pytest.mark.parametrize("capture", ["proxies", "proxies+fd"])
def test_of_200_secrets_in_every_place_none_is_in_any_file(
    tmp_path: Path, backend: str, capture: str
) -> None:
    case = placed(200)
    outcome = recorded(
        tmp_path,
        case.program,
        backend,
        f"--io-capture={capture}",
        arguments=tuple(case.arguments),
        stdin=case.stdin,
        environ=case.environ,
    )

    assert outcome.code == 0, outcome
    # The program itself has them and says them.
    assert sum(secret in outcome.stdout for secret in case.secrets) >= 10
    assert len(case.secrets) == len(set(case.secrets)) == 200
    assert found(tmp_path / "out", case.secrets) == []
    assert codetracer.read(tmp_path / "out").metadata["complete"] is True


@pytest.mark.slow
def test_of_200_harmless_names_none_is_redacted(tmp_path: Path, backend: str) -> None:
    assert len(set(HARMLESS)) == 200
    program = "class Box: pass\nbox, table = Box(), {}\n"
    for at, name in enumerate(HARMLESS):
        program += f"{name} = box.{name} = table[{name!r}] = 'text {at}'\n"
        program += f"def {name}({name}): return {name}\n{name} = {name}({name!r})\n"
    record(tmp_path, f"{program}pass\n", "--max-items=1000", backend=backend)

    seen = last(tmp_path / "out")
    assert [name for name in HARMLESS if seen[name] != name] == []
    assert [*an_object(seen["box"]).attributes] == HARMLESS
    assert Hidden("redacted") not in an_object(seen["box"]).attributes.values()
    assert Hidden("redacted") not in an_object(seen["table"]).items


def test_a_secret_in_a_longer_text_leaves_the_rest_of_it(tmp_path: Path, backend: str) -> None:
    program = """\
password = 'hunter2-secret'
alone = password
message = f'bad {password}: é {password}!'
data = message.encode()
url = 'postgres://bob:pw@host/db?sslmode=on&token=abc'
text = 'x' * 500 + password
short = 'x' * 490 + password + 'y' * 100
pass
"""
    record(tmp_path, program, backend=backend)

    seen = last(tmp_path / "out")
    assert seen["alone"] == Hidden("redacted")
    assert seen["message"] == "bad <redacted>: é <redacted>!"
    assert seen["data"] == "bad <redacted>: é <redacted>!".encode()
    assert seen["url"] == "postgres://<redacted>@host/db?sslmode=on&token=<redacted>"
    assert seen["text"] == CutText("x" * 500, 514)
    assert seen["short"] == CutText("x" * 490 + "<redacted>", 604)
    assert b"hunte" not in content(tmp_path / "out")


def test_what_containers_and_buffers_under_a_secret_name_hold_is_secret_too(
    tmp_path: Path, backend: str
) -> None:
    held = [f"{name}-Xq71zT-{name}" for name in ("deque", "frozen", "sub", "view", "stream")]
    program = """\
import collections, io, sys
def given(at): return sys.argv[at]
class Queue(collections.deque): pass
class Stream(io.BytesIO):
    def read(self, size=-1): raise SystemError
passwords = collections.deque([given(1)])
api_keys = frozenset([given(2)])
credentials = Queue([(given(3),)])
token = memoryview(bytearray(given(4).encode()))
secret = Stream(given(5).encode())
place = secret.seek(3)
plain = [passwords[0], *api_keys, credentials[0], token.tobytes(), secret.getvalue()]
text = 'first ' + passwords[0] + ' last'
place = secret.tell()
pass
"""
    recorded(tmp_path, program, backend, arguments=tuple(held))

    seen = last(tmp_path / "out")
    secret = Hidden("redacted")
    read = 5 if NATIVE else 3
    items = an_object(seen["plain"]).items
    assert items[:read] == (secret, secret, (secret,), secret, secret)[:read]
    assert (seen["text"], seen["place"]) == ("first <redacted> last", 3)


def test_what_is_too_short_or_too_plain_is_hidden_by_its_name_alone(
    tmp_path: Path, backend: str
) -> None:
    program = """\
password = 'abcde'
token = '******'
secret = 'password'
passwords = ['password_hash', 'apiKey', 'X-Access-Token', 'Access-Token']
key = bytes(8)
private_key = key
plain = ['abcde', '******', 'password', key, 0.0]
names = ['password_hash', 'apiKey', 'X-Access-Token', 'Access-Token']
pass
"""
    record(tmp_path, program, backend=backend)

    seen = last(tmp_path / "out")
    assert [seen[name] for name in ("password", "token", "secret", "private_key")] == (
        [Hidden("redacted")] * 4
    )
    assert an_object(seen["plain"]).items == ("abcde", "******", "password", bytes(8), 0.0)
    # Of words that are all on the list.
    names = ("password_hash", "apiKey", Hidden("redacted"), "Access-Token")
    assert an_object(seen["names"]).items == names


@pytest.mark.slow
def test_both_engines_hide_the_same(tmp_path: Path, backend: str) -> None:
    case = placed(120)
    program = case.program.partition("def see")[0].partition("def ask_0")[0]
    program += "def place_0" + case.program.partition("def place_0")[2]
    records = []
    for name in BACKENDS:
        (tmp_path / name).mkdir()
        assert recorded(tmp_path / name, program, name, environ=ENVIRON).code == 0
        replay = codetracer.read(tmp_path / name / "out").replay()
        records.append(
            [
                # An object's number depends on the addresses of those before it.
                (type(event).__name__, re.sub(r"#\d+", "", repr(replay.locals(event.frame))))
                for event in replay
                if hasattr(event, "frame") and event.frame is not None
            ]
        )

    assert all(one == records[0] for one in records)
    assert "<redacted>" in str(records[0])


@pytest.mark.slow
def test_what_getpass_reads_is_not_recorded_as_input(tmp_path: Path, backend: str) -> None:
    program = "import getpass\nx = getpass.getpass()\ny = input()\nprint(len(x))\n"
    outcome = recorded(tmp_path, program, backend, stdin="pw\nafter\n")

    assert outcome.stdout.endswith("2\n")
    events = codetracer.read(tmp_path / "out").replay()
    read = [
        event.data for event in events if isinstance(event, OutputEvent) and event.stream == "stdin"
    ]
    assert b"".join(read) == b"<redacted>\nafter\n"
    assert last(tmp_path / "out")["y"] == "after"


@pytest.mark.parametrize(
    ("options", "environ"),
    [
        (("--redact=customer_number", "--redact", "Plate"), {}),
        ((), {"CODETRACER_REDACT": "customer-number, plate"}),
    ],
)
def test_further_names_are_hidden_as_whole_words_in_any_spelling(
    tmp_path: Path, backend: str, options: tuple[str, ...], environ: dict[str, str]
) -> None:
    program = """\
customerNumber = 'cust-no-1234'
licensePlate, plates, template = 'plate-5678', 'b', 'c'
x = customerNumber
pass
"""
    outcome = recorded(tmp_path, program, backend, *options, environ=environ)

    assert outcome.code == 0, outcome
    seen = last(tmp_path / "out")
    hidden = Hidden("redacted")
    assert (seen["customerNumber"], seen["licensePlate"], seen["x"]) == (hidden, hidden, hidden)
    assert (seen["plates"], seen["template"]) == ("b", "c")
    assert found(tmp_path / "out", ["cust-no-1234", "plate-5678"]) == []


@pytest.mark.parametrize(
    ("options", "environ"), [(("--no-redaction",), {}), ((), {"CODETRACER_NO_REDACTION": "1"})]
)
def test_redaction_can_be_switched_off(
    tmp_path: Path, backend: str, options: tuple[str, ...], environ: dict[str, str]
) -> None:
    program = "password = 'hunter2-secret'\nurl = 'http://a:b@c'\nprint(password)\npass\n"
    outcome = recorded(
        tmp_path, program, backend, *options, arguments=("--token=abc",), environ=environ
    )

    assert outcome.code == 0, outcome
    seen = last(tmp_path / "out")
    assert (seen["password"], seen["url"]) == ("hunter2-secret", "http://a:b@c")
    metadata = codetracer.read(tmp_path / "out").metadata
    assert metadata["args"] == ["--token=abc"]
    assert "redacted" not in content(tmp_path / "out").decode("latin-1")


def test_what_getpass_reads_is_hidden_even_where_redaction_is_switched_off(
    tmp_path: Path, backend: str
) -> None:
    program = """\
import getpass
typed = getpass.getpass()
again = f'it is {typed}'
password = 'seen-because-of-no-redaction'
pass
"""
    outcome = recorded(tmp_path, program, backend, "--no-redaction", stdin="hunter2-secret\n")

    assert outcome.code == 0, outcome
    assert found(tmp_path / "out", ["hunter2-secret", "seen-because-of-no-redaction"]) == [
        "seen-because-of-no-redaction"
    ]


@pytest.mark.slow
def test_start_takes_names_and_switches_redaction_off(tmp_path: Path, backend: str) -> None:
    program = """\
import codetracer
def run():
    password, plate = 'hunter2-secret', 'plate-5678'
    return 1
with codetracer.start('one', redact=['plate']): run()
with codetracer.start('two', redaction=False): run()
"""
    write(tmp_path, {"app.py": program})
    outcome = execute("app.py", cwd=tmp_path, environ={VARIABLE: backend})

    assert outcome == Outcome(0, "", "")
    assert found(tmp_path / "one", ["hunter2-secret", "plate-5678"]) == []
    assert found(tmp_path / "two", ["hunter2-secret", "plate-5678"]) != []


def test_a_name_without_a_word_is_wrong_usage(tmp_path: Path, backend: str) -> None:
    outcome = recorded(tmp_path, "pass\n", backend, "--redact=._.")

    assert outcome.code == 2
    assert "'._.' cannot be redacted: it has no letter and no digit" in outcome.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_a_recording_is_for_its_owner_alone_whatever_the_umask(
    tmp_path: Path, backend: str, mask: int
) -> None:
    # Longer than the part of a log that is opened at first; and a process that joins.
    program = """\
import os
for number in range(20_000):
    x = number
if os.fork() == 0: y = 1
else: os.wait()
mask = os.umask(0)
print(mask)
"""
    write(tmp_path, {"app.py": program, "deep/er/mod.py": ""})
    script = (
        f"import os, runpy, sys; os.umask({mask}); sys.argv = ['codetracer', 'record', '-q',"
        " '-o', 'out', 'app.py']; runpy.run_module('codetracer', run_name='__main__')"
    )
    outcome = execute("-c", script, cwd=tmp_path, environ={VARIABLE: backend})

    assert (outcome.code, outcome.stderr) == (0, ""), outcome
    assert set(outcome.stdout.split()) == {str(mask)}
    paths = [tmp_path / "out", *(tmp_path / "out").rglob("*")]
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in paths}
    assert modes == {(True, 0o700), (False, 0o600)}
    assert len([path for path in paths if path.suffix == ".ctlog"]) == 2
    assert max(path.stat().st_size for path in paths) > 1 << 16


@pytest.mark.slow
def test_commands_of_processes_that_are_started_are_told_without_secrets(
    tmp_path: Path, backend: str
) -> None:
    program = """\
import subprocess, sys
password = 'hunter2-secret'
subprocess.run([sys.executable, '-c', 'pass', '--token', 'short', '--user', password])
"""
    outcome = recorded(tmp_path, program, backend)

    assert "-c pass --token <redacted> --user <redacted>" in outcome.stderr
    assert found(tmp_path / "out", ["hunter2-secret"]) == []
    assert b"short" not in content(tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ((), "redaction  by name"),
        (("--redact", "customer_number"), "redaction  by name, also customer_number"),
        (
            ("--no-redaction",),
            "redaction  none by name: secrets may be in it (--no-redaction)",
        ),
    ],
    ids=["default", "more", "none"],
)
def test_a_recording_says_whether_secrets_were_hidden(
    tmp_path: Path, backend: str, options: tuple[str, ...], line: str
) -> None:
    recorded(tmp_path, "x = 1", backend, *options)

    told = read("info", "out", cwd=tmp_path)

    assert line in told.stdout.splitlines(), told.stdout


LONG = """
import sys
token = sys.stdin.readline()
pair = dict.fromkeys(('x', 'token'), sys.stdin.readline())
print('got', pair)
"""


def test_all_of_a_long_secret_is_hidden_where_it_becomes_known_later(
    tmp_path: Path, backend: str
) -> None:
    tokens = ["".join(f"{at * 7919 % 10007:05d}{name}q" for at in range(100)) for name in "ab"]

    recorded(tmp_path, LONG, backend, stdin="\n".join(tokens) + "\n")

    whole = content(tmp_path / "out")
    pieces = [token[at : at + 16] for token in tokens for at in range(0, 700, 16)]
    assert [piece for piece in pieces if piece.encode() in whole] == []


NUMBERS_LIKE_A_SECRET = """\
class Job: pass
def show(held):
    return held
show({'jobs': [Job() for _ in range(40)], 'numbers': [*range(1, 9)], 'text': 'it is 56789:;<= here',
      'data': b'it is 56789:;<= here', 'token': ['56789:;<=', bytes(range(0x91, 0x99))]})
show({'text': '\\u20ac' * 5, 'token': b'\\xe2\\x82\\xac\\xe2\\x82\\xac\\xe2\\x82'})
"""
"""Objects 21 to 29, and the integers from 1 to 8, are written by the bytes of these secrets. What
comes before `token` is put together when they are not known yet."""


def test_what_holds_a_record_together_is_never_taken_for_a_secret(
    tmp_path: Path, backend: str
) -> None:
    record(tmp_path, NUMBERS_LIKE_A_SECRET, backend=backend)

    replay = codetracer.read(tmp_path / "out").replay()
    first, second = [
        dict(zip(items[::2], items[1::2], strict=True))
        for event in replay
        if isinstance(event, CallEvent) and event.frame.code.name == "show"
        for items in [an_object(replay.locals(event.frame)["held"]).items]
    ]
    jobs = an_object(first["jobs"])
    assert len({an_object(item).number for item in jobs.items}) == len(jobs.items) == 40
    assert [*an_object(first["numbers"]).items] == [*range(1, 9)]
    assert (first["text"], first["data"]) == ("it is ********* here", b"it is ********* here")
    assert second["text"] == "*********€€"
