"""The process in which llama.cpp runs: one model, served on this machine's own address.

It is a process of its own because native code that aborts, or is stopped for want of memory, must
not take its user with it, and because memory is surely given back when a process ends. It reads
an order from its standard input, says on its standard output where it answers (or why it cannot),
and ends with its parent: when its standard input is closed.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec

from koderz.config.settings import LocalSettings
from koderz.errors import ConfigError
from koderz.models.gguf import GgufFile, load_gguf
from koderz.models.gguf_plan import Plan, choose_plan
from koderz.models.machine import measure_machine

ERRORS_ONLY = 1
STDOUT, STDERR = 1, 2
_REASON = re.compile(rb" E llama_model_load: error loading model: (?P<reason>.+)")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to load; `key` is asked of whoever connects, `alias` the name that answers bear."""

    path: str
    alias: str
    key: str
    local: LocalSettings


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag="ready"):
    """The model is loaded and answers at `address`."""

    address: str
    plan: Plan


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """The model cannot be loaded, in words for a person."""

    reason: str
    file: str = ""


def main() -> None:
    """Serve one model until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to act on.
    answers = os.fdopen(os.dup(STDOUT), "wb")
    os.dup2(STDERR, STDOUT)  # What native code prints is for the parent's log, not an answer.
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    try:
        server, plan = serve(order)
        answer: Ready | Refused = Ready(address=server.listening_address, plan=plan)
    except ConfigError as error:
        answer = Refused(reason=error.reason, file=error.file or order.path)
    answers.write(msgspec.json.encode(answer) + b"\n")
    answers.flush()
    sys.stdin.buffer.read()
    os._exit(0)  # The server's threads end with the process; taking it down in order can hang.


def serve(order: Order) -> tuple[Any, Plan]:
    """The running server and how it was loaded; raises ConfigError where that is impossible."""
    import xllamacpp

    file = load_gguf(Path(order.path))
    machine = measure_machine(gpu_free_bytes=_measure_gpus(xllamacpp.get_device_info()))
    plan = choose_plan(file, machine, order.local)
    try:
        return xllamacpp.Server(_build_params(xllamacpp.CommonParams(), order, file, plan)), plan
    except RuntimeError as error:
        raise ConfigError(
            f"llama.cpp cannot load this model: {_load_reason() or error}", file=order.path
        ) from error


def _build_params(params: Any, order: Order, file: GgufFile, plan: Plan) -> Any:
    params.model.path = str(file.path)
    params.model_alias = {order.alias}
    params.api_keys = [order.key]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.ui = False
    params.verbosity = ERRORS_ONLY
    params.n_ctx = plan.context_tokens * plan.parallel
    params.n_parallel = plan.parallel
    params.cpuparams.n_threads = plan.threads
    params.cpuparams_batch.n_threads = plan.threads
    if plan.gpu_layers is not None:
        params.n_gpu_layers = plan.gpu_layers
    params.warmup = False
    # Prompts kept beside the slots would take memory that the plan does not count.
    params.cache_ram_mib = 0
    params.n_ctx_checkpoints = 0
    return params


def _measure_gpus(devices: list[dict[str, Any]]) -> int:
    """Free bytes on graphics cards; Apple's share the memory that is counted already."""
    if sys.platform == "darwin":
        return 0
    return sum(
        int(device["memory_free"])
        for device in devices
        if str(device["type"]).endswith("DEVICE_TYPE_GPU")
    )


def _load_reason() -> str:
    """The engine's last word on why it could not load, out of what it printed."""
    try:
        size = os.fstat(STDERR).st_size
        printed = os.pread(STDERR, size, 0)
    except OSError:  # Not a file: nothing can be read back.
        return ""
    found = _REASON.findall(printed)
    return found[-1].decode(errors="replace").strip() if found else ""


if __name__ == "__main__":
    main()
