"""How a model is loaded here: context, threads and layers that suit the machine, or a refusal."""

from __future__ import annotations

import msgspec

from koderz.config.settings import LocalSettings
from koderz.errors import ConfigError
from koderz.models.gguf import GgufFile
from koderz.models.machine import Machine

USUAL_CONTEXT_TOKENS = 16_384
LEAST_CONTEXT_TOKENS = 2_048
FREE_SHARE = 0.9
MB = 1_000_000


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine is told: tokens of context a slot, slots, threads, layers on a GPU.

    `gpu_layers` None leaves it to the engine to put there what fits.
    """

    context_tokens: int
    parallel: int
    threads: int
    gpu_layers: int | None
    needed_bytes: int


def choose_plan(file: GgufFile, machine: Machine, local: LocalSettings) -> Plan:
    """The longest context that is wanted and fits, and all cores.

    Raises ConfigError, with what is needed and what there is, for a model that does not fit.
    """
    room_bytes = get_room(machine, local)
    context_tokens = min(
        local.context_tokens or USUAL_CONTEXT_TOKENS, file.context_tokens or USUAL_CONTEXT_TOKENS
    )
    while (
        file.estimate_memory(context_tokens * local.parallel) > room_bytes
        and local.context_tokens is None
        and context_tokens > LEAST_CONTEXT_TOKENS
    ):
        context_tokens = max(context_tokens // 2, LEAST_CONTEXT_TOKENS)
    needed_bytes = file.estimate_memory(context_tokens * local.parallel)
    if needed_bytes > room_bytes:
        raise ConfigError(
            _describe_shortage(file, needed_bytes, room_bytes, local), file=str(file.path)
        )
    return Plan(
        context_tokens=context_tokens,
        parallel=local.parallel,
        threads=local.threads or machine.cores,
        gpu_layers=local.gpu_layers,
        needed_bytes=needed_bytes,
    )


def get_room(machine: Machine, local: LocalSettings) -> int:
    """Bytes that a model may take: the configured limit, else most of what is free."""
    if local.memory_mb is not None:
        return local.memory_mb * MB
    return round((machine.free_bytes + machine.gpu_free_bytes) * FREE_SHARE)


def _describe_shortage(
    file: GgufFile, needed_bytes: int, room_bytes: int, local: LocalSettings
) -> str:
    limit = "[koderz.local] memory_mb allows" if local.memory_mb else "there is room for"
    advice = (
        "lower [koderz.local] context_tokens or parallel, or take a smaller model"
        if needed_bytes - file.size_bytes > file.size_bytes
        else "take a smaller model (`koderz local list`) or free some memory"
    )
    return (
        f"this model needs about {_say_mb(needed_bytes)} of memory, of which its weights are "
        f"{_say_mb(file.size_bytes)}, and {limit} {_say_mb(room_bytes)}: {advice}"
    )


def _say_mb(size_bytes: int) -> str:
    return f"{max(1, -(-size_bytes // MB)):,} MB"
