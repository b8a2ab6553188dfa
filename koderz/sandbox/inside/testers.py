"""The tests' process. It never runs a candidate's code, so it is kept for many programs.

It is enclosed like a candidate's process. Only tests that cannot leave a trace in it, by what
they import and assign, are followed by others in the same process.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable

from . import cases, judge

RUN_TESTS, COMPARE = b"t", b"c"
_AGAIN, _NEVER_AGAIN = b"+", b"-"
_MOST_DESCRIPTORS = 4
_WORK: dict[bytes, Callable[..., bool]] = {RUN_TESTS: judge.run_tests, COMPARE: cases.compare}
# So that what thousands of tests leave in memory does not add up.
_MOST_USES = 500


def serve(link: int) -> None:
    """Test one program after another, each given by descriptors sent over `link`."""
    with socket.socket(fileno=link) as connection:
        for _ in range(_MOST_USES):
            kind, descriptors, _, _ = socket.recv_fds(connection, 1, _MOST_DESCRIPTORS)
            if not kind:
                return
            is_clean = _WORK[kind](*descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            connection.sendall(_AGAIN if is_clean else _NEVER_AGAIN)
            if not is_clean:
                return


class Tester:
    """The server's side of a tests' process."""

    def __init__(self, pid: int, link: socket.socket) -> None:
        self.pid, self._link = pid, link
        self._uses, self._answer = 0, _AGAIN

    def ask(self, kind: bytes, descriptors: list[int]) -> None:
        """Have it test a program; OSError where it has ended."""
        self._answer = b""
        self._uses += 1
        socket.send_fds(self._link, [kind], descriptors)

    def fileno(self) -> int:
        """What becomes readable when it is done."""
        return self._link.fileno()

    def is_done(self) -> bool:
        """Whether it has answered, or ended."""
        if not self._answer and select.select([self._link], [], [], 0)[0]:
            self._answer = self._link.recv(1) or _NEVER_AGAIN
        return bool(self._answer)

    @property
    def is_reusable(self) -> bool:
        """Whether it may be asked again."""
        return self._answer == _AGAIN and self._uses < _MOST_USES

    def close(self) -> None:
        """Let go of it."""
        self._link.close()
