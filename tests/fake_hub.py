"""A hub on loopback that serves files as the real one does: checksums, commits, ranges."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PATH = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/[^/]+/(?P<file>.+)")


@dataclass
class FakeHub:
    """`files` are by `OWNER/NAME:FILE`; `asked` are the ranges of the files that were sent.

    `etag` stands in for the checksum of every file, `status` for every answer.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    etag: str = ""
    status: int = 0
    error_code: str = ""
    url: str = ""
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)


class HubHandler(BaseHTTPRequestHandler):
    """Answers for one hub."""

    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(is_sent=False)

    def do_GET(self) -> None:
        self._answer(is_sent=True)

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def _answer(self, *, is_sent: bool) -> None:
        found = PATH.fullmatch(urlsplit(self.path).path)
        content = self.hub.files.get(f"{found['repo']}:{found['file']}") if found else None
        self.hub.tokens.append(self.headers.get("authorization", ""))
        if self.hub.status:
            self._refuse(self.hub.status, self.hub.error_code)
        elif content is None:
            self._refuse(404, "EntryNotFound")
        else:
            self._send(content, is_sent=is_sent)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, content: bytes, *, is_sent: bool) -> None:
        asked = self.headers.get("range", "")
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        if is_sent:
            self.hub.asked.append(asked)
        self.send_response(206 if start else 200)
        digest = self.hub.etag or hashlib.sha256(content).hexdigest()
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{digest}"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if is_sent:
            self.wfile.write(content[start:])


@contextmanager
def open_fake_hub() -> Iterator[FakeHub]:
    """A running hub on a free port of 127.0.0.1."""
    hub = FakeHub()
    handler = type("Handler", (HubHandler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
