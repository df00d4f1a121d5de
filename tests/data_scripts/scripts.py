"""Runs the data scripts in this process, and a server that sends them files."""

import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from netcfg.data.database import Lmdb

FOLDER = Path(__file__).resolve().parents[2] / "data_scripts"


def script(name: str) -> ModuleType:
    """Import a script the way it runs, with its folder on the path."""
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    return importlib.import_module(name)


def run(module: ModuleType, monkeypatch: pytest.MonkeyPatch, *args: object) -> None:
    """Run ``main`` of a script with arguments."""
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, args)])
    module.main()


def held(path: Path) -> list[tuple[bytes, np.ndarray, int]]:
    """Return key, image and label of all records."""
    database = Lmdb(path)
    try:
        return [(raw[0], *database.decode(raw)) for raw in database.read(0, database.size)]
    finally:
        database.close()


class Server(ThreadingHTTPServer):
    """Sends ``files`` and notes the requests.

    It cuts answers off after ``cut`` bytes, answers ``busy`` times with 503 before, adds ``claim``
    to the length that it tells, and sends what begins ``shift`` bytes after what was asked for.
    ``moved`` says where else a path is to be had.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.moved: dict[str, str] = {}
        self.cut: int | None = None
        self.ranges = True
        self.busy = self.claim = self.shift = 0
        self.requests: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.requests.append((self.path, wanted))
        data = self.server.files.get(self.path.lstrip("/"))
        first = int(wanted[len("bytes=") : -1]) if wanted and self.server.ranges else 0
        if self.server.busy:
            self.server.busy -= 1
            self.send_error(503)
            return
        if self.path.lstrip("/") in self.server.moved:
            self.send_response(302)
            self.send_header("Location", self.server.moved[self.path.lstrip("/")])
            self.end_headers()
            return
        if data is None or (first and first >= len(data)):
            self.send_error(404 if data is None else 416)
            return
        self.send_response(206 if first else 200)
        if first:
            first += self.server.shift
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - first + self.server.claim))
        self.end_headers()
        self.wfile.write(data[first:][: self.server.cut])

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
