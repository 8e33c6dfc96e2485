"""A file of tests has one subject, so it stays short."""

from tests.support.project import ROOT

MOST = 500


def test_no_file_of_the_tests_has_more_than_500_lines() -> None:
    paths = [path for path in (ROOT / "tests").rglob("*.*") if "__pycache__" not in path.parts]
    lengths = {
        path.relative_to(ROOT).as_posix(): path.read_bytes().count(b"\n")
        for path in paths
        if path.is_file()
    }

    assert len(lengths) > 200
    assert {path: length for path, length in lengths.items() if length > MOST} == {}
