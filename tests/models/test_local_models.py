"""Names of embedded models, their files on this machine, and when they are chosen by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from koderz.config.settings import Settings
from koderz.errors import ConfigError
from koderz.models import ModelFactory
from koderz.models.inventory import Inventory, fetch_inventory
from koderz.models.local_models import (
    get_model_path,
    get_models_folder,
    load_local_models,
    remove_local_model,
)
from koderz.models.local_names import HubFile, get_offers, list_parts, parse_hub_file
from koderz.models.registry import get_model_info, get_provider, get_tier
from koderz.routing.routes import RouteSource, resolve_route
from koderz.types import TaskKind, Tier

NOBODY = {
    "OLLAMA_HOST": "127.0.0.1:9",
    "LMSTUDIO_BASE_URL": "http://127.0.0.1:9/v1",
    "VLLM_BASE_URL": "http://127.0.0.1:9/v1",
    "LLAMACPP_BASE_URL": "http://127.0.0.1:9/v1",
}


def build_settings(folder: Path, main: str = "", **local: Any) -> Settings:
    document = {
        "agent": {"default_model": main},
        "koderz": {"local": {"folder": str(folder), **local}},
    }
    return msgspec.convert(document, Settings)


def put(folder: Path, name: str, size_bytes: int = 100) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size_bytes))
    return path


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("llamacpp/model.gguf", "llamacpp"),
        ("llamacpp/some/where/Model.GGUF", "llamacpp"),
        ("llamacpp//abs/model.gguf", "llamacpp"),
        ("llamacpp/~/model.gguf", "llamacpp"),
        ("llamacpp/acme/tiny-GGUF:tiny.gguf", "llamacpp"),
        ("llamacpp/qwen2.5-coder-1.5b", "llamacpp"),
        ("llamacpp/some-model", "llamacpp-server"),
        ("llama-server/model.gguf", "llamacpp-server"),
        ("ollama/acme/tiny:tiny.gguf", "ollama"),
    ],
)
def test_a_file_runs_inside_koderz_and_another_name_at_the_server(name: str, provider: str) -> None:
    assert get_provider(name) == provider
    assert get_tier(name) is Tier.LOCAL


def test_a_host_of_ones_own_may_take_the_name() -> None:
    hosts = {"llamacpp": {"base_url": "http://box:8080/v1"}}
    settings = msgspec.convert({"koderz": {"providers": hosts}}, Settings)
    client = ModelFactory(settings=settings, environ={}).get_client("llamacpp/model.gguf")
    assert type(client).__name__ == "OpenAIClient"
    assert get_provider("llamacpp/some-model", settings) == "llamacpp"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("acme/tiny:tiny.gguf", HubFile(repo="acme/tiny", file="tiny.gguf")),
        ("acme/tiny:q4/tiny.gguf", HubFile(repo="acme/tiny", file="q4/tiny.gguf")),
        ("tiny.gguf", None),
        ("acme/tiny", None),
        ("acme/tiny:", None),
        ("../..:x.gguf", None),
        ("acme/tiny:../../x.gguf", None),
    ],
)
def test_what_names_a_file_of_the_hub(name: str, file: HubFile | None) -> None:
    assert parse_hub_file(name) == file


def test_the_short_list_is_whole_and_leads_to_files() -> None:
    offers = get_offers()
    assert len(offers) >= 5
    assert [offer.size_gb for offer in offers.values()] == sorted(
        offer.size_gb for offer in offers.values()
    )
    for name, offer in offers.items():
        assert parse_hub_file(name) == HubFile(repo=offer.repo, file=offer.file)
        assert parse_hub_file(offer.model.removeprefix("llamacpp/")) == parse_hub_file(name)
        assert offer.memory_gb > offer.size_gb
        assert offer.licence
        assert get_provider(f"llamacpp/{name}") == get_provider(offer.model) == "llamacpp"


def test_parts_are_numbered_as_the_first_one_says() -> None:
    assert list_parts("m.gguf") == ("m.gguf",)
    assert list_parts("m-00001-of-00002.gguf") == (
        "m-00001-of-00002.gguf",
        "m-00002-of-00002.gguf",
    )


def test_a_path_is_taken_as_it_stands_or_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = build_settings(tmp_path / "models")
    here = put(tmp_path, "here.gguf")
    assert get_model_path("here.gguf", settings) == Path("here.gguf")
    assert get_model_path(str(here), settings) == here
    assert get_model_path("there.gguf", settings) == tmp_path / "models" / "there.gguf"
    assert get_model_path("~/m.gguf", settings) == Path.home() / "m.gguf"
    hub = tmp_path / "models" / "acme" / "tiny" / "q4" / "m.gguf"
    assert get_model_path("acme/tiny:q4/m.gguf", settings) == hub
    assert Path.home() in get_models_folder(Settings()).parents


def test_the_folders_models_are_listed_with_their_sizes(tmp_path: Path) -> None:
    settings = build_settings(tmp_path)
    assert load_local_models(settings) == {}
    put(tmp_path, "own.gguf", 10)
    put(tmp_path, "acme/tiny/m.gguf", 20)
    put(tmp_path, "acme/big/b-00001-of-00002.gguf", 30)
    put(tmp_path, "acme/big/b-00002-of-00002.gguf", 40)
    put(tmp_path, ".fetching/acme/tiny/half.gguf", 50)
    put(tmp_path, "acme/tiny/mmproj-m.gguf", 60)
    put(tmp_path, "notes.txt", 70)
    found = load_local_models(settings)
    assert found == {
        "own.gguf": 10,
        "acme/tiny:m.gguf": 20,
        "acme/big:b-00001-of-00002.gguf": 70,
    }
    assert all(get_model_path(name, settings).is_file() for name in found)


@pytest.mark.parametrize(
    ("name", "freed_bytes"), [("llamacpp/acme/big:b-00001-of-00002.gguf", 70), ("own.gguf", 10)]
)
def test_a_model_is_removed_with_all_its_parts(tmp_path: Path, name: str, freed_bytes: int) -> None:
    settings = build_settings(tmp_path)
    put(tmp_path, "own.gguf", 10)
    put(tmp_path, "acme/big/b-00001-of-00002.gguf", 30)
    put(tmp_path, "acme/big/b-00002-of-00002.gguf", 40)
    assert remove_local_model(name, settings) == freed_bytes
    assert len(load_local_models(settings)) == 1


def test_only_what_is_ours_is_removed(tmp_path: Path) -> None:
    settings = build_settings(tmp_path / "models")
    elsewhere = put(tmp_path, "mine.gguf")
    with pytest.raises(ConfigError, match="remove it yourself"):
        remove_local_model(str(elsewhere), settings)
    assert elsewhere.exists()
    with pytest.raises(ConfigError, match="koderz local list"):
        remove_local_model("none.gguf", settings)


async def fetch(settings: Settings, **environ: str) -> Inventory:
    async with ModelFactory(settings=settings, environ={**NOBODY, **environ}) as factory:
        return await fetch_inventory(factory, settings)


async def test_with_no_key_and_no_server_the_largest_that_fits_is_the_main_model(
    tmp_path: Path,
) -> None:
    settings = build_settings(tmp_path, memory_mb=1)
    for name, size_bytes in {"a-7b.gguf": 900_000, "b-1b.gguf": 1000, "c-70b.gguf": 10**7}.items():
        put(tmp_path, name, size_bytes)
    inventory = await fetch(settings)
    assert set(inventory.embedded) == {"a-7b.gguf", "b-1b.gguf"}
    route = resolve_route(settings, TaskKind.LARGE_READ, inventory)
    assert [model.name for model in route.models] == ["llamacpp/b-1b.gguf", "llamacpp/a-7b.gguf"]
    assert route.source is RouteSource.AUTOMATIC_SIBLING
    for task in TaskKind:
        route = resolve_route(settings, task, inventory)
        assert route.main is not None
        assert route.main.name == "llamacpp/a-7b.gguf"
        assert "no key is set and no server answers" in route.reason
        assert "inside Koderz" in route.reason


async def test_a_key_goes_before_it(tmp_path: Path) -> None:
    put(tmp_path, "a.gguf")
    settings = build_settings(tmp_path)
    inventory = await fetch(settings, OPENAI_API_KEY="sk-test")
    route = resolve_route(settings, TaskKind.MAIN, inventory)
    assert route.models[0].provider == "openai"
    assert "inside Koderz" not in route.reason


async def test_without_a_file_nothing_inside_koderz_is_in_reach(tmp_path: Path) -> None:
    settings = build_settings(tmp_path)
    inventory = await fetch(settings)
    assert inventory == Inventory()
    assert resolve_route(settings, TaskKind.MAIN, inventory).source is RouteSource.NO_MODEL


async def test_one_that_is_named_is_in_reach_before_it_is_fetched(tmp_path: Path) -> None:
    name = "llamacpp/qwen2.5-coder-1.5b"
    settings = build_settings(tmp_path, name)
    route = resolve_route(settings, TaskKind.MAIN, await fetch(settings))
    assert route.models == (get_model_info(name),)
    assert "no key is set" not in route.reason


async def test_one_that_lies_elsewhere_is_weighed_against_its_siblings(tmp_path: Path) -> None:
    main = put(tmp_path, "mine.gguf", 5000)
    settings = build_settings(tmp_path / "models", f"llamacpp/{main}")
    put(tmp_path / "models", "small.gguf", 50)
    put(tmp_path / "models", "big.gguf", 50_000)
    route = resolve_route(settings, TaskKind.LARGE_READ, await fetch(settings))
    assert [model.api_name for model in route.models] == ["small.gguf", str(main)]


async def test_where_nothing_fits_the_smallest_is_tried_and_says_what_lacks(
    tmp_path: Path,
) -> None:
    put(tmp_path, "a.gguf", 10**7)
    put(tmp_path, "b.gguf", 10**7 + 1)
    inventory = await fetch(build_settings(tmp_path, memory_mb=1))
    assert set(inventory.embedded) == {"a.gguf"}


async def test_without_the_part_local_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    settings = build_settings(tmp_path, "llamacpp/model.gguf")
    route = resolve_route(settings, TaskKind.MAIN, await fetch(settings))
    assert "pip install 'koderz[local]'" in route.warning
    assert route.models == ()
