"""What holds for every test: a clean environment, a home of its own, no host beyond loopback."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A busy machine is no bug: properties have no deadline.
settings.register_profile("koderz", deadline=None)
settings.load_profile("koderz")

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("KODERZ_TEST_DATA", ROOT.parent / "shared" / "data"))

KEPT_VARIABLES = {"PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "CI", "KODERZ_TEST_DATA"}


REFUSAL = "cannot isolate untrusted code"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, Any]:
    """A test that failed because this machine cannot isolate untrusted code is skipped."""
    report = yield
    told = f"{report.longreprtext}{report.capstdout}{report.capstderr}"
    if report.failed and REFUSAL in told and not can_isolate():
        path, line, _ = item.location
        report.outcome = "skipped"
        report.longrepr = (path, line or 0, f"Skipped: this machine {REFUSAL}")
    return report


@cache
def can_isolate() -> bool:
    """Whether a server says that it can; asked only once a test has failed."""
    from koderz.errors import SandboxUnavailableError
    from koderz.sandbox import probe_layers
    from koderz.sandbox.base import check_layers

    try:
        check_layers(probe_layers())
    except SandboxUnavailableError:
        return False
    return True


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The public data beside the project; tests that need it skip where it is not."""
    if not DATA.is_dir():
        pytest.skip(f"no public data at {DATA} (set KODERZ_TEST_DATA)")
    return DATA


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """No key, no configuration, no home of the person who runs the tests."""
    for name in set(os.environ) - KEPT_VARIABLES:
        if not name.startswith(("PYTEST", "COV_")):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for another host fails, at the connection and at the name look-up."""
    connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
            pytest.fail(f"a test tried to connect to {address[0]}")
        connect(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host is not None and not _is_loopback(host if isinstance(host, str) else host.decode()):
            message = f"tests look up no names: {host}"
            raise socket.gaierror(socket.EAI_NONAME, message)
        return getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)


def _is_loopback(host: str) -> bool:
    if host in {"localhost", ""}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
