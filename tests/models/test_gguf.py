"""What a model's file says of itself, and how it is then loaded on a machine or refused."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_gguf import CONTEXT_TOKENS, HEADS, LAYERS, WIDTH, write_tiny_gguf

from koderz.config.settings import LocalSettings
from koderz.errors import ConfigError
from koderz.models import machine
from koderz.models.gguf import GgufFile, load_gguf, measure_parts
from koderz.models.gguf_plan import LEAST_CONTEXT_TOKENS, USUAL_CONTEXT_TOKENS, choose_plan
from koderz.models.machine import Machine, measure_machine

GB = 10**9
LARGE = GgufFile(
    path=Path("large.gguf"),
    size_bytes=4 * GB,
    architecture="qwen2",
    name="Large",
    context_tokens=131_072,
    vocabulary_tokens=150_000,
    width=3584,
    cache_bytes_per_token=100_000,
    has_chat_template=True,
)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


def build_machine(free_gb: float, gpu_gb: float = 0) -> Machine:
    return Machine(cores=4, free_bytes=round(free_gb * GB), gpu_free_bytes=round(gpu_gb * GB))


def test_the_head_of_a_file_is_read(tiny: Path) -> None:
    file = load_gguf(tiny)
    assert (file.architecture, file.name, file.width) == ("llama", "tiny", WIDTH)
    assert file.size_bytes == tiny.stat().st_size
    assert file.context_tokens == CONTEXT_TOKENS
    assert file.vocabulary_tokens == 3 + 256 + 95
    assert file.has_chat_template
    assert file.cache_bytes_per_token == LAYERS * HEADS * (WIDTH // HEADS) * 2 * 2


def test_memory_grows_with_the_context(tiny: Path) -> None:
    file = load_gguf(tiny)
    more = file.estimate_memory(2000) - file.estimate_memory(1000)
    assert more == 1000 * file.cache_bytes_per_token
    assert file.estimate_memory(0) > file.size_bytes


def test_all_parts_of_a_model_are_weighed(tmp_path: Path) -> None:
    first = tmp_path / "m-00001-of-00003.gguf"
    for part in (1, 2):
        (tmp_path / f"m-0000{part}-of-00003.gguf").write_bytes(bytes(10 * part))
    assert measure_parts(first) == 30


@given(at=st.integers(0, 20_000), junk=st.binary(min_size=1, max_size=40))
def test_no_damage_to_the_head_does_more_than_refuse(tiny: Path, at: int, junk: bytes) -> None:
    raw = bytearray(tiny.read_bytes())
    raw[at : at + len(junk)] = junk
    path = tiny.with_name("damaged.gguf")
    path.write_bytes(raw)
    with suppress(ConfigError):
        assert load_gguf(path).estimate_memory(100) > 0


@pytest.mark.parametrize(
    ("free", "local", "context_tokens"),
    [
        (build_machine(100), {}, USUAL_CONTEXT_TOKENS),
        (build_machine(6), {}, USUAL_CONTEXT_TOKENS // 2),
        (build_machine(5.1), {}, LEAST_CONTEXT_TOKENS),
        (build_machine(1, gpu_gb=8), {}, USUAL_CONTEXT_TOKENS),
        (build_machine(100), {"context_tokens": 40_000}, 40_000),
        (build_machine(100), {"context_tokens": 1_000_000}, LARGE.context_tokens),
        (build_machine(1), {"memory_mb": 10_000}, USUAL_CONTEXT_TOKENS),
        (build_machine(100), {"memory_mb": 5_100}, USUAL_CONTEXT_TOKENS // 4),
        (build_machine(6), {"parallel": 2}, USUAL_CONTEXT_TOKENS // 4),
    ],
)
def test_the_context_is_the_longest_that_is_wanted_and_fits(
    free: Machine, local: dict[str, Any], context_tokens: int
) -> None:
    plan = choose_plan(LARGE, free, msgspec.convert(local, LocalSettings))
    assert plan.context_tokens == context_tokens
    assert plan.needed_bytes == LARGE.estimate_memory(context_tokens * plan.parallel)


@pytest.mark.parametrize(
    ("free", "local", "said"),
    [
        (build_machine(3), {}, "there is room for 2,700 MB: take a smaller model"),
        (build_machine(3), {}, "its weights are 4,000 MB"),
        (build_machine(100), {"memory_mb": 4_000}, "memory_mb allows 4,000 MB"),
        (build_machine(6), {"context_tokens": 100_000}, "lower [koderz.local] context_tokens"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_it_needs(
    free: Machine, local: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        choose_plan(LARGE, free, msgspec.convert(local, LocalSettings))
    assert said in str(raised.value)
    assert "needs about" in str(raised.value)


def test_threads_and_layers_are_the_machines_or_as_set() -> None:
    usual = choose_plan(LARGE, build_machine(100), LocalSettings())
    assert (usual.threads, usual.gpu_layers) == (4, None)
    own = choose_plan(LARGE, build_machine(100), LocalSettings(threads=2, gpu_layers=7))
    assert (own.threads, own.gpu_layers) == (2, 7)


def test_a_model_that_says_nothing_of_its_context_gets_the_usual_one() -> None:
    file = msgspec.structs.replace(LARGE, context_tokens=0)
    assert choose_plan(file, build_machine(100), LocalSettings()).context_tokens == (
        USUAL_CONTEXT_TOKENS
    )


def test_this_machine_has_cores_and_memory() -> None:
    here = measure_machine(gpu_free_bytes=7)
    assert here.cores >= 1
    assert here.free_bytes > 0
    assert here.gpu_free_bytes == 7


@pytest.mark.parametrize(
    ("files", "free_bytes"),
    [
        ({"/proc/meminfo": "MemTotal: 9 kB\nMemAvailable: 4 kB"}, 4096),
        (
            {
                "/proc/meminfo": "MemAvailable: 4 kB",
                "/sys/fs/cgroup/memory.max": "3000",
                "/sys/fs/cgroup/memory.current": "1000",
            },
            2000,
        ),
        ({"/proc/meminfo": "MemAvailable: 4 kB", "/sys/fs/cgroup/memory.max": "max"}, 4096),
    ],
)
def test_a_containers_limit_counts_too(
    monkeypatch: pytest.MonkeyPatch, files: dict[str, str], free_bytes: int
) -> None:
    monkeypatch.setattr(machine, "_read", lambda path: files.get(path, ""))
    assert machine.load_free_memory() == free_bytes


def test_where_the_system_says_nothing_half_of_the_memory_is_taken_to_be_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine, "_read", lambda path: "")
    assert machine.load_free_memory() > 0
