"""One server, for all tests of a module, and the recording that requests look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dap import Client, Server, serve
from tests.support.dap_recording import APP, SHOP
from tests.support.running import execute, write


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recorded")


@pytest.fixture(scope="module")
def recording(folder: Path) -> Path:
    write(folder, {"app.py": APP, "shop.py": SHOP})
    command = ("-m", "codetracer", "record", "-q", "--io-capture=off", "-o", "out", "app.py")
    assert execute(*command, cwd=folder).code == 1
    return folder / "out"


@pytest.fixture
def client(server: Server, recording: Path) -> Iterator[Client]:
    """Return a client at the first line."""
    with server.connect() as client:
        client.begin(recording=str(recording), stopOnEntry=True)
        yield client
