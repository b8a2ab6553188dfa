"""What a call costs in CPU: `complete()` against a bare aiohttp POST, and against litellm.

All three send the same question to the simulator, which runs in another process, one call after
the other. Rounds are short and interleaved, and a ratio is the median of the rounds' ratios, so
that what else the machine does disturbs all alike. litellm runs in an environment of its own
(`make .venv/bench-installed`).
"""

from __future__ import annotations

import asyncio
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROUNDS = 60
CALLS = 40
TARGET_OF_BARE = 1.6
TARGET_OF_LITELLM = 1 / 8

KEY = "sk-bench-0123456789abcdef"
MODEL = "gpt-4o-mini"
QUESTION = "Summarise this log.\n" + "12:00:01 INFO worker 7 took job 4711 off the queue\n" * 80
MAX_TOKENS = 500
LITELLM_PYTHON = Path(__file__).parent.parent / ".venv" / "bench" / "bin" / "python"

Call = Callable[[], Awaitable[object]]


async def measure(call: Call, calls: int = CALLS) -> float:
    """CPU seconds a call, of this process."""
    started = time.process_time()
    for _ in range(calls):
        await call()
    return (time.process_time() - started) / calls


def main() -> None:
    with open_process(sys.executable, "serve") as server:
        url = read_line(server)
        if not LITELLM_PYTHON.exists():
            asyncio.run(compare(url, None))
            return
        with open_process(str(LITELLM_PYTHON), "litellm", url) as litellm:
            asyncio.run(compare(url, litellm))


async def compare(url: str, litellm: subprocess.Popen[str] | None) -> None:
    import aiohttp
    import msgspec

    from koderz.models import ModelFactory
    from koderz.models.registry import get_model_info
    from koderz.types import Message, Request
    from koderz.wire import get_wire

    request = Request(
        model=MODEL, messages=(Message.user(QUESTION),), max_tokens=MAX_TOKENS, temperature=0.3
    )
    info = get_model_info(MODEL)
    assert info is not None
    body = get_wire("openai").encode_request(
        msgspec.structs.replace(request, model=info.api_name), info.capabilities
    )
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    factory = ModelFactory(environ={"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": url})
    async with aiohttp.ClientSession() as session, factory:

        async def post() -> None:
            async with session.post(f"{url}/chat/completions", data=body, headers=headers) as reply:
                assert reply.status == 200
                await reply.read()

        async def complete() -> None:
            completion = await factory.get_client(MODEL).complete(request)
            assert completion.usage.output_tokens

        report(await interleave(post, complete, litellm))


async def interleave(
    post: Call, complete: Call, litellm: subprocess.Popen[str] | None
) -> dict[str, list[float]]:
    """CPU seconds a call by round; the first round of each warms up and is not kept."""
    seen: dict[str, list[float]] = {"bare": [], "koderz": [], "litellm": []}
    for _ in range(ROUNDS + 1):
        seen["bare"].append(await measure(post))
        seen["koderz"].append(await measure(complete))
        if litellm:
            seen["litellm"].append(await asyncio.to_thread(ask_round, litellm))
    return {name: times[1:] for name, times in seen.items()}


def report(seen: dict[str, list[float]]) -> None:
    print(f"machine: {describe_machine()}")
    print(f"{ROUNDS} interleaved rounds of {CALLS} calls; median CPU a call:")
    for name, times in seen.items():
        if times:
            print(f"  {name:8} {statistics.median(times) * 1e3:6.3f} ms")
    judge("complete() / bare POST", divide(seen["koderz"], seen["bare"]), TARGET_OF_BARE)
    if seen["litellm"]:
        judge("complete() / litellm", divide(seen["koderz"], seen["litellm"]), TARGET_OF_LITELLM)
    else:
        print("litellm is not installed: `make .venv/bench-installed`")


def divide(ours: list[float], theirs: list[float]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))


def judge(name: str, ratio: float, target: float) -> None:
    verdict = "met" if ratio <= target else "MISSED"
    print(f"{name}: {ratio:.3f} (target at most {target:.3f}): {verdict}")


def describe_machine() -> str:
    processor = read_processor() or platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}"


def read_processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "")


@contextmanager
def open_process(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A part of this script in a process of its own, spoken to in lines."""
    arguments = [command[0], __file__, *command[1:]]
    environ = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        sys.exit(f"{process.args!r} ended early")
    return line


def ask_round(process: subprocess.Popen[str]) -> float:
    assert process.stdin is not None
    process.stdin.write("round\n")
    process.stdin.flush()
    return float(read_line(process))


def serve() -> None:
    """The simulator; its address is the first line."""
    from koderz.simulator import open_simulator

    async def run() -> None:
        async with open_simulator() as simulator:
            print(simulator.environ()["OPENAI_BASE_URL"], flush=True)
            await asyncio.Event().wait()

    asyncio.run(run())


def run_litellm(url: str) -> None:
    """Rounds of `litellm.acompletion`, one for each line on stdin."""
    import litellm

    async def ask() -> object:
        return await litellm.acompletion(
            model=f"openai/{MODEL}",
            api_base=url,
            api_key=KEY,
            messages=[{"role": "user", "content": QUESTION}],
            max_completion_tokens=MAX_TOKENS,
            temperature=0.3,
        )

    async def run() -> None:
        while await asyncio.to_thread(sys.stdin.readline):
            print(await measure(ask), flush=True)

    asyncio.run(run())


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            main()
        case ["serve"]:
            serve()
        case ["litellm", address]:
            run_litellm(address)
        case _:
            sys.exit("usage: bench_client.py")
