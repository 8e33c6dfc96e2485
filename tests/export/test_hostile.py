"""`codetracer export` of recordings that were written to do harm: nothing but OUT changes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from codetracer_bindings import trace_encoder as encode
from tests.support import logs
from tests.support.exporting import Backend, elements, export
from tests.support.logs import NONE
from tests.support.running import Outcome, execute


def write_sources(
    folder: Path, *paths: str, workdir: object = "/app", metadata: dict[str, object] | None = None
) -> Path:
    """Write a trace of one call in each of these source files; each has a copy, its own path."""
    records = [encode.encode_thread(1, "Main")]
    for number, path in enumerate(paths):
        records += [encode.encode_source(path), logs.code(f"f{number}", source=number)]
    for number in range(len(paths)):
        records += [encode.encode_call(number, 0, []), encode.encode_return(0, NONE)]
    known = (metadata or {}) | {"workdir": workdir}
    contents = {path: f"copy {number}" for number, path in enumerate(paths)}
    return logs.write_trace(folder, logs.log(records), metadata=known, sources=contents)


def files(folder: Path) -> dict[str, str]:
    """Return what all files below a folder hold; of a link, where it leads."""
    return {
        str(path.relative_to(folder)): (
            f"-> {os.readlink(path)}"
            if path.is_symlink()
            else path.read_text("utf-8", "backslashreplace")
        )
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def copies(folder: Path) -> dict[str, str]:
    return files(folder / "files")


def exported(tmp_path: Path) -> Outcome:
    """Export ``a/b/out`` to ``a/b/json``; nothing else below `tmp_path` may change."""
    before = files(tmp_path)
    done = export("out", "-o", "json", cwd=tmp_path / "a/b")
    after = {
        name: text for name, text in files(tmp_path).items() if not name.startswith("a/b/json/")
    }
    assert after == before
    return done


@pytest.mark.parametrize("workdir", ["/app", "", "sub", "../..", None, ["x"], "x\0y", "\udc80"])
@pytest.mark.parametrize(
    "path",
    ["<x/../../../name", "<x/../../../../../name", "../../name", "../../../../name"],
)
def test_no_source_is_copied_to_anywhere_else(tmp_path: Path, path: str, workdir: object) -> None:
    write_sources(tmp_path / "a/b/out", path, "/srv/app.py", workdir=workdir)

    done = exported(tmp_path)

    assert (done.code, done.stdout) == (0, "json\n")
    assert copies(tmp_path / "a/b/json")["srv/app.py"] == "copy 1"
    refused = f"the source {path!a} is not copied: its path leads outside" in done.stderr
    assert refused == path.startswith("<")
    assert Backend(elements(tmp_path / "a/b/json")).calls[1]["name"] == "f0"


@pytest.mark.parametrize(
    "path",
    [
        "<x/..",
        "<x/./y",
        "<x//y",
        "nul\0.py",
        "<x\0",
        "/",
        "n" * 300,
        "d/" * 3000 + "f",
        "d/" * 700 + "f",
    ],
)
def test_a_name_that_no_file_below_the_export_has_is_left_out_and_said(
    tmp_path: Path, path: str
) -> None:
    write_sources(tmp_path / "a/b/out", path, "/srv/app.py")

    done = exported(tmp_path)

    assert (done.code, done.stdout) == (0, "json\n")
    shown = ascii(path if len(path) <= 200 else f"{path[:200]}...")
    assert f"the source {shown} is not copied: " in done.stderr
    assert copies(tmp_path / "a/b/json") == {"srv/app.py": "copy 1"}


def test_two_sources_with_one_place_and_one_in_place_of_a_folder_are_left_out(
    tmp_path: Path,
) -> None:
    write_sources(
        tmp_path / "a/b/out", "/s/one.py", "/s/x/../one.py", "/s/one.py/in.py", "/s/d/in.py", "/s/d"
    )

    done = exported(tmp_path)

    assert copies(tmp_path / "a/b/json") == {"s/one.py": "copy 0", "s/d/in.py": "copy 3"}
    for path, reason in (
        ("/s/x/../one.py", "another source has the same path"),
        ("/s/one.py/in.py", "the file cannot be created"),
        ("/s/d", "the file cannot be created"),
    ):
        assert f"the source {path!r} is not copied: {reason}" in done.stderr


def test_names_that_are_no_unicode_are_written_as_escapes(tmp_path: Path) -> None:
    write_sources(tmp_path / "a/b/out", "/s/\udc80.py")

    exported(tmp_path)

    assert copies(tmp_path / "a/b/json") == {"s/\\udc80.py": "copy 0"}


def test_many_sources_that_are_not_copied_are_counted_and_none_reaches_the_terminal_raw(
    tmp_path: Path,
) -> None:
    write_sources(tmp_path / "a/b/out", *(f"<\x1b[2J\u202e{n}/../../x" for n in range(20)))

    done = exported(tmp_path)

    assert done.stderr.count("is not copied") == 5
    assert "15 more sources are not copied" in done.stderr
    assert "\x1b" not in done.stderr
    assert "\u202e" not in done.stderr


@pytest.mark.parametrize(("size", "said"), [(20 << 30, "21.5 GB"), (17_000_000, "17 MB")])
def test_a_source_that_is_too_large_to_read_is_not_copied(
    tmp_path: Path, size: int, said: str
) -> None:
    out = write_sources(tmp_path / "a/b/out", "/s/large.py", "/s/small.py")
    os.truncate(out / "sources/0.py", size)

    done = export("out", "-o", "json", cwd=tmp_path / "a/b")

    assert copies(tmp_path / "a/b/json") == {"s/small.py": "copy 1"}
    assert f"the source '/s/large.py' is not copied: it has {said}" in done.stderr


@pytest.mark.parametrize("name", ["files", "trace.json", "trace_metadata.json"])
@pytest.mark.parametrize("kind", ["folder", "file", "nothing"])
def test_links_in_the_folder_to_write_are_replaced_and_not_followed(
    tmp_path: Path, name: str, kind: str
) -> None:
    write_sources(tmp_path / "a/b/out", "/srv/app.py")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/trace.json").write_text("mine")
    where = {"folder": "mine", "file": "mine/trace.json", "nothing": "none"}[kind]
    (tmp_path / "a/b/json").mkdir()
    (tmp_path / "a/b/json" / name).symlink_to(tmp_path / where)

    done = export("out", "-o", "json", "--force", cwd=tmp_path / "a/b")

    assert (done.code, done.stdout) == (0, "json\n")
    assert files(tmp_path / "mine") == {"trace.json": "mine"}
    assert not (tmp_path / "none").exists()
    assert not (tmp_path / "a/b/json" / name).is_symlink()
    assert copies(tmp_path / "a/b/json") == {"srv/app.py": "copy 0"}


def test_what_lies_beside_the_folder_to_write_stays_when_the_export_fails(tmp_path: Path) -> None:
    write_sources(tmp_path / "out", "/srv/app.py")
    (tmp_path / "sealed").mkdir()
    (tmp_path / "sealed/file").write_text("mine")
    before = files(tmp_path)

    done = export("out", "-o", "sealed/file/json", cwd=tmp_path)

    assert (done.code, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert files(tmp_path) == before


@pytest.mark.slow
def test_a_folder_that_was_there_before_is_neither_written_to_nor_deleted(tmp_path: Path) -> None:
    write_sources(tmp_path / "out", "/srv/app.py")
    program = (
        "import os, sys\n"
        "from codetracer.cli import main\n"
        "os.mkdir(name := f'json.partial-{os.getpid()}')\n"
        "open(os.path.join(name, 'notes'), 'w').close()\n"
        "sys.exit(main(['export', 'out', '-o', 'json', '--to', 'codetracer-json']))\n"
    )

    done = execute("-c", program, cwd=tmp_path)

    assert (done.code, done.stdout) == (0, "json\n")
    (folder,) = tmp_path.glob("json.partial-*")
    assert [path.name for path in folder.iterdir()] == ["notes"]


def test_metadata_that_no_recorder_writes_becomes_what_codetracer_reads(tmp_path: Path) -> None:
    deep: object = "bottom"
    for _ in range(200):
        deep = [deep]
    write_sources(
        tmp_path / "out",
        "/srv/app.py",
        workdir={"x": 1},
        metadata={
            "program": 7,
            "args": ["a", "\udc80", deep, 10**400],
            "exit_status": {"code": deep, "label": "exited 0"},
            "recorder": deep,
            "recording_id": "\udcff",
        },
    )

    done = export("out", "-o", "json", cwd=tmp_path)

    assert (done.code, done.stdout) == (0, "json\n")
    assert json.loads((tmp_path / "json/trace_metadata.json").read_text()) == {
        "workdir": str(tmp_path),
        "program": "",
        "args": ["a", "\\udc80"],
        "process_exit_status": {"label": "exited 0"},
        "recording_id": "\\udcff",
    }


@pytest.mark.slow
def test_thousands_of_threads_are_exported_each_with_its_calls(tmp_path: Path) -> None:
    records = [encode.encode_source("app.py"), logs.code("f")]
    for number in range(3_000):
        records += [encode.encode_thread(number, f"T{number}"), encode.encode_call(0, 0, [])]
    for number in range(3_000):
        records += [encode.encode_switch(number), encode.encode_return(0, NONE)]
    logs.write_trace(tmp_path / "out", logs.log(records))

    export("out", "-o", "json", cwd=tmp_path)

    calls = Backend(elements(tmp_path / "json")).calls
    assert [call["name"] for call in calls if call["name"] == "f"] == ["f"] * 3_000
    assert calls[1]["parent"][0]["name"] == "<toplevel>"
    assert calls[-1]["parent"][0]["name"] == "<thread T2999>"
