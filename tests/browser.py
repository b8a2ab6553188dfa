"""A real browser without a window: pages are opened, measured and photographed in it."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# The last four keep it from asking its maker anything: what is left is what the page asks for.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
)
STARTED_WITHIN_S = 60.0
ANSWERED_WITHIN_S = 60.0


def find_browser() -> str | None:
    """Where the browser's program is; None where there is none."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


@contextmanager
def run_browser(program: str, folder: Path) -> Iterator[str]:
    """A running browser, as the address under which it takes orders; it ends with the context."""
    profile = folder / "profile"
    process = subprocess.Popen(
        [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        port, path = _read_port(process, profile / "DevToolsActivePort")
        yield f"ws://127.0.0.1:{port}{path}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read_port(process: subprocess.Popen[bytes], file: Path) -> tuple[int, str]:
    give_up_at = time.monotonic() + STARTED_WITHIN_S
    while time.monotonic() < give_up_at and process.poll() is None:
        lines = file.read_text().split("\n") if file.exists() else []
        if len(lines) > 1:
            return int(lines[0]), lines[1]
        time.sleep(0.02)
    message = f"the browser did not start (exit code {process.poll()})"
    raise RuntimeError(message)


class Event(msgspec.Struct, frozen=True):
    """Something that the browser told of its own accord."""

    method: str
    params: dict[str, Any]
    session: str


class Browser:
    """A connection to a running browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._news = asyncio.Condition()
        self.events: list[Event] = []

    async def ask(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """The browser's answer to one command of its DevTools protocol."""
        number = len(self._answers) + 1
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        order = {"id": number, "method": method, "params": params}
        await self._socket.send_json(order | ({"sessionId": session} if session else {}))
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            told: dict[str, Any] = await answer
            return told

    async def wait_for(self, method: str, session: str) -> None:
        """Return when the browser has told of such an event."""
        async with asyncio.timeout(ANSWERED_WITHIN_S), self._news:
            await self._news.wait_for(lambda: any(self.list_events({method}, session)))

    def list_events(self, methods: Collection[str], session: str) -> list[dict[str, Any]]:
        """What came with the events of these kinds so far."""
        of_session = (each for each in self.events if each.session == session)
        return [each.params for each in of_session if each.method in methods]

    async def listen(self) -> None:
        """Take in what the browser says, until it hangs up."""
        async for message in self._socket:
            said = message.json()
            if "id" not in said:
                session = said.get("sessionId", "")
                self.events.append(Event(said["method"], said["params"], session))
                async with self._news:
                    self._news.notify_all()
            elif "error" in said:
                problem = RuntimeError(said["error"]["message"])
                self._answers[said["id"]].set_exception(problem)
            else:
                self._answers[said["id"]].set_result(said["result"])


@asynccontextmanager
async def open_browser(address: str) -> AsyncIterator[Browser]:
    """A connection to the browser at `address`."""
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(address, max_msg_size=0) as socket,
    ):
        browser = Browser(socket)
        listening = asyncio.create_task(browser.listen())
        try:
            yield browser
        finally:
            listening.cancel()


class Page:
    """An open page; `problems` and `requests` are what it reported and asked for so far."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to a command about this page."""
        return await self._browser.ask(method, self._session, **params)

    async def evaluate(self, expression: str) -> Any:
        """What an expression of JavaScript gives, as JSON would have it."""
        told = await self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in told:
            raise RuntimeError(told["exceptionDetails"])
        return told["result"].get("value")

    async def show(
        self, *, width: int, height: int = 900, is_dark: bool = False, is_print: bool = False
    ) -> None:
        """Lay the page out anew for a window of this size."""
        await self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        media = "print" if is_print else "screen"
        await self.ask("Emulation.setEmulatedMedia", media=media, features=[scheme])

    async def take_picture(self) -> bytes:
        """The whole page as a PNG."""
        taken = await self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(taken["data"])

    async def print_pdf(self) -> bytes:
        """The page on A4 paper, as a PDF."""
        size = {"paperWidth": 8.27, "paperHeight": 11.69}
        printed = await self.ask("Page.printToPDF", printBackground=False, **size)
        return base64.b64decode(printed["data"])

    @property
    def requests(self) -> list[str]:
        """The addresses that were asked for, the page's own among them."""
        sent = self._browser.list_events({"Network.requestWillBeSent"}, self._session)
        return [each["request"]["url"] for each in sent]

    @property
    def problems(self) -> list[dict[str, Any]]:
        """Errors, warnings and exceptions that the browser reported."""
        reported = {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}
        return self._browser.list_events(reported, self._session)


@asynccontextmanager
async def open_page(
    browser: Browser, url: str, *, runs_scripts: bool = True
) -> AsyncIterator[Page]:
    """The page at `url`, loaded, in a tab of its own."""
    target = (await browser.ask("Target.createTarget", url="about:blank"))["targetId"]
    attached = await browser.ask("Target.attachToTarget", targetId=target, flatten=True)
    page = Page(browser, attached["sessionId"])
    for domain in ("Page", "Network", "Log", "Runtime"):
        await page.ask(f"{domain}.enable")
    await page.ask("Emulation.setScriptExecutionDisabled", value=not runs_scripts)
    await page.ask("Page.navigate", url=url)
    await browser.wait_for("Page.loadEventFired", attached["sessionId"])
    try:
        yield page
    finally:
        await browser.ask("Target.closeTarget", targetId=target)
