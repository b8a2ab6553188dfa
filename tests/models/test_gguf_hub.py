"""Models' files come from a hub: whole, checked, resumed; else an error says where to put them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fake_hub import FakeHub, open_fake_hub

from koderz import errors
from koderz.config.settings import Settings
from koderz.models.gguf_hub import Hub, fetch_hub_model, get_hub
from koderz.models.local_names import HubFile

pytest.importorskip("huggingface_hub")

FILE = HubFile(repo="acme/tiny-GGUF", file="tiny.gguf")
CONTENT = b"GGUF" + bytes(range(256)) * 800
STEP_BYTES = 50_000


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", STEP_BYTES)
    with open_fake_hub() as hub:
        hub.files[str(FILE)] = CONTENT
        yield hub


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    document = {"koderz": {"local": {"folder": str(tmp_path / "models")}}}
    return msgspec.convert(document, Settings)


def fetch(hub: FakeHub, settings: Settings, file: HubFile = FILE, **options: Any) -> Path:
    return fetch_hub_model(file, settings, Hub(endpoint=hub.url), **options)


def fail(hub: FakeHub, settings: Settings, file: HubFile = FILE) -> errors.KoderzError:
    with pytest.raises(errors.KoderzError) as raised:
        fetch(hub, settings, file)
    return raised.value


def list_files(settings: Settings) -> list[str]:
    folder = Path(settings.koderz.local.folder)
    return [str(path.relative_to(folder)) for path in folder.rglob("*.gguf")]


def test_a_file_is_fetched_once_and_progress_is_told(hub: FakeHub, settings: Settings) -> None:
    told: list[tuple[str, int, int]] = []
    for _ in range(2):
        path = fetch(hub, settings, on_progress=lambda *what: told.append(what))
    assert path.read_bytes() == CONTENT
    assert hub.asked == [""]
    assert told[-1] == ("tiny.gguf", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert list_files(settings) == ["acme/tiny-GGUF/tiny.gguf"]


def test_what_broke_off_goes_on_where_it_was(hub: FakeHub, settings: Settings) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if done > len(CONTENT) // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(hub, settings, on_progress=stop)
    assert list_files(settings) == []
    assert fetch(hub, settings).read_bytes() == CONTENT
    first, second = hub.asked
    assert not first
    assert second == f"bytes={2 * STEP_BYTES}-"


def test_who_comes_second_waits_and_finds_it(hub: FakeHub, settings: Settings) -> None:
    with ThreadPoolExecutor() as pool:
        paths = list(pool.map(lambda _: fetch(hub, settings), range(3)))
    assert {path.read_bytes() for path in paths} == {CONTENT}
    assert hub.asked == [""]


def test_a_file_with_another_checksum_is_thrown_away(hub: FakeHub, settings: Settings) -> None:
    hub.etag = hashlib.sha256(b"another").hexdigest()
    error = fail(hub, settings)
    assert isinstance(error, errors.MalformedResponseError)
    assert "checksum" in str(error)
    assert list_files(settings) == []
    hub.etag = ""
    assert fetch(hub, settings).read_bytes() == CONTENT


def test_a_small_file_is_checked_by_gits_hash(hub: FakeHub, settings: Settings) -> None:
    hub.etag = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT).hexdigest()
    assert fetch(hub, settings).read_bytes() == CONTENT


def test_all_parts_of_a_model_are_fetched(hub: FakeHub, settings: Settings) -> None:
    names = [f"big-{part:05}-of-00002.gguf" for part in (1, 2)]
    for name in names:
        hub.files[f"{FILE.repo}:{name}"] = CONTENT
    path = fetch(hub, settings, HubFile(repo=FILE.repo, file=names[0]))
    assert path.name == names[0]
    assert sorted(list_files(settings)) == [f"{FILE.repo}/{name}" for name in names]


@pytest.mark.parametrize(
    ("refusal", "kind", "said"),
    [
        ((404, "RepoNotFound"), errors.ModelNotFoundError, "no such repository"),
        ((404, "EntryNotFound"), errors.ModelNotFoundError, "no file tiny.gguf"),
        ((403, "GatedRepo"), errors.AuthenticationError, "HF_TOKEN"),
        ((400, ""), errors.ServerError, "put the file at"),
    ],
)
def test_what_the_hub_refuses_is_said(
    hub: FakeHub, settings: Settings, refusal: tuple[int, str], kind: type[Exception], said: str
) -> None:
    hub.status, hub.error_code = refusal
    error = fail(hub, settings)
    assert isinstance(error, kind)
    assert said in str(error)
    assert str(FILE) in str(error)


def test_without_a_hub_it_says_where_the_file_goes(tmp_path: Path, settings: Settings) -> None:
    place = Path(settings.koderz.local.folder) / FILE.repo / FILE.file
    for hub in (Hub(endpoint="http://127.0.0.1:9"), Hub(is_offline=True)):
        with pytest.raises(errors.ConnectionFailedError) as raised:
            fetch_hub_model(FILE, settings, hub)
        assert f"put the file at {place}" in str(raised.value)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(CONTENT)
    assert fetch_hub_model(FILE, settings, Hub(is_offline=True)) == place


def test_a_token_goes_along_and_stays_out_of_errors(hub: FakeHub, settings: Settings) -> None:
    hub.status = 401
    with pytest.raises(errors.ProviderError) as raised:
        fetch_hub_model(FILE, settings, Hub(endpoint=hub.url, token="hf_secret"))
    assert hub.tokens[0] == "Bearer hf_secret"
    assert "hf_secret" not in str(raised.value)


def test_a_disk_without_room_is_found_before_the_fetch(
    hub: FakeHub, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 1000))
    error = fail(hub, settings)
    assert isinstance(error, errors.ConfigError)
    assert "[koderz.local] folder" in str(error)
    assert hub.asked == []


def test_only_files_of_models_are_fetched(hub: FakeHub, settings: Settings) -> None:
    error = fail(hub, settings, HubFile(repo=FILE.repo, file="README.md"))
    assert isinstance(error, errors.ConfigError)
    assert hub.asked == []


def test_the_usual_variables_name_the_hub() -> None:
    environ = {"HF_ENDPOINT": "http://here/ ", "HF_TOKEN": " t ", "HF_HUB_OFFLINE": "1"}
    assert get_hub(environ) == Hub(endpoint="http://here", token="t", is_offline=True)
    assert get_hub({}) == Hub()
