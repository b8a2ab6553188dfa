"""`koderz reprice`: the same tokens at other prices, side by side with what was billed."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_calls import RUN, build_call, keep_run
from trials import CHEAP, DEAR

from koderz.cli import run_command
from koderz.config.settings import PriceSettings, Settings
from koderz.errors import ConfigError
from koderz.runs.repricing import Repricer, parse_model_map
from koderz.types import Tier, Usage

Counts = st.integers(0, 10_000_000)
Amounts = st.decimals(0, 1000, places=4)
PRICES = """
[koderz.prices."gpt-4o"]
input = 10
output = 20
"""


def price(**rates: Any) -> PriceSettings:
    return PriceSettings(**{name: Decimal(str(rate)) for name, rate in rates.items()})


def reprice(call: dict[str, Any], **options: Any) -> tuple[Decimal | None, str, Tier]:
    """What a call costs now, and whose it is."""
    attempt = Repricer(Settings(), **options).reprice(build_call(**call))
    return attempt.cost_usd, attempt.model, attempt.tier


@pytest.mark.parametrize(
    ("call", "options", "cost_usd"),
    [
        pytest.param({}, {"prices": {DEAR: price(input=10, output=20)}}, "0.012", id="its price"),
        pytest.param(
            {}, {"prices": {"openai/gpt-4o": price(input=10, output=20)}}, "0.012", id="full name"
        ),
        pytest.param(
            {},
            {"prices": {DEAR: price(input=10, output=20, cache_read=1)}},
            "0.0111",
            id="tokens of a cache at their own rate",
        ),
        pytest.param({}, {"prices": {CHEAP: price(input=1, output=1)}}, "0.01", id="another's"),
        pytest.param(
            {"cost_usd": None}, {"prices": {CHEAP: price(input=1)}}, None, id="unknown stays so"
        ),
        pytest.param(
            {"cost_usd": None},
            {"prices": {DEAR: price(input=10, output=20)}},
            "0.012",
            id="known at last",
        ),
        pytest.param(
            {"model": "openai/unheard-of"},
            {"prices": {"openai/unheard-of": price(input=10)}},
            None,
            id="half a price",
        ),
        pytest.param(
            {"batch_id": "batch-1"},
            {"prices": {DEAR: price(input=10, output=20)}},
            "0.006",
            id="in a batch half as much",
        ),
        pytest.param(
            {},
            {"models": {DEAR: CHEAP}, "prices": {CHEAP: price(input=1, output=2)}},
            "0.0012",
            id="another model's price",
        ),
        pytest.param({}, {"models": {DEAR: "llama3.2:3b"}}, "0", id="a free model's price"),
        pytest.param({"model": CHEAP}, {"models": {DEAR: "llama3.2:3b"}}, "0.01", id="not mapped"),
    ],
)
def test_what_a_call_costs(
    call: dict[str, Any], options: dict[str, Any], cost_usd: str | None
) -> None:
    expected = None if cost_usd is None else Decimal(cost_usd)
    assert reprice(call, **options)[0] == expected


def test_another_model_is_in_its_own_tier() -> None:
    assert reprice({}, models={DEAR: CHEAP})[1:] == (CHEAP, Tier.SMALL_FRONTIER)
    assert reprice({}, models={DEAR: "llama3.2:3b"})[1:] == ("llama3.2:3b", Tier.LOCAL)


@given(st.builds(Usage, input_tokens=Counts, cache_read_tokens=Counts, output_tokens=Counts))
def test_only_tokens_and_rates_decide(usage: Usage) -> None:
    repricer = Repricer(Settings(), prices={DEAR: price(input=4, cache_read=1, output=8)})
    once = repricer.reprice(build_call(usage=usage))
    sums = 4 * usage.input_tokens + usage.cache_read_tokens + 8 * usage.output_tokens
    assert once.cost_usd == Decimal(sums).scaleb(-6)
    assert repricer.reprice(once) == once


@given(Amounts, Amounts)
def test_twice_the_price_is_twice_the_cost(given_in: Decimal, given_out: Decimal) -> None:
    single = reprice({}, prices={DEAR: PriceSettings(input=given_in, output=given_out)})[0]
    double = reprice({}, prices={DEAR: PriceSettings(input=2 * given_in, output=2 * given_out)})[0]
    assert single is not None
    assert double == 2 * single


@pytest.mark.parametrize("text", ["a", "a=", "=b", "a=b,", "a=b,a=c"])
def test_a_map_that_is_none(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_model_map(text)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of two strategies: one dear call, or two cheap ones of which one is unknown."""
    path = tmp_path / "experiments.sqlite"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KODERZ_EXPERIMENTS_PATH", str(path))
    (tmp_path / "prices.toml").write_text(PRICES)
    keep_run(
        path,
        {
            "dear": {"starter/0": [build_call(DEAR, "0.01")], "starter/1": [build_call(DEAR, "0")]},
            "cheap": {"starter/0": [build_call(CHEAP, "0.001"), build_call(CHEAP, None)]},
        },
    )
    return path


def run(capsys: pytest.CaptureFixture[str], *options: str, code: int = 0) -> str:
    assert run_command(["reprice", *options]) == code
    captured = capsys.readouterr()
    return captured.out if code == 0 else captured.err


def test_both_stand_side_by_side_and_it_says_that_it_is_an_estimate(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads(run(capsys, RUN, "--prices", "prices.toml", "--json"))
    assert found["is_estimate"]
    assert "other tokens" in found["estimate"]
    dear, cheap = found["strategies"]
    assert (dear["as_billed"]["cost_usd"], dear["repriced"]["cost_usd"]) == (0.01, 0.024)
    assert dear["factor"] == 2.4
    assert dear["as_billed_per_problem"]["usd"] == 0.005
    assert dear["repriced_per_problem"]["usd"] == 0.012
    assert cheap["as_billed"] == cheap["repriced"]
    assert cheap["repriced"]["unknown_calls"] == 1
    assert cheap["factor"] is None
    page = run(capsys, RUN, "--prices", "prices.toml")
    assert "Repriced: at the prices of prices.toml. An estimate" in page
    assert "x 2.4" in page
    assert "at least $0.00100" in page


def test_other_models_stand_in(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--model-map", f"{DEAR}=llama3.2:3b", "--out", "repriced.md")
    page = run(capsys, RUN[:8], *options)
    assert "Repriced: gpt-4o reckoned as llama3.2:3b. An estimate" in page
    assert re.search(r"\$0 +x 0$", page, re.MULTILINE), "free is nought times as dear"
    assert "An estimate: the tokens are those that were counted" in Path("repriced.md").read_text()
    found = json.loads(run(capsys, RUN[:8], *options, "--json"))
    assert found["model_map"] == {DEAR: "llama3.2:3b"}
    assert found["strategies"][0]["repriced"]["cost_usd"] == 0


def test_what_is_kept_stays_as_it_is(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = store.read_bytes()
    run(capsys, RUN, "--prices", "prices.toml", "--model-map", f"{CHEAP}={DEAR}")
    assert store.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "name other prices: --prices FILE, --model-map OLD=NEW, or both"),
        (["--prices", "nosuch.toml"], "nosuch.toml: there is no such file"),
        (["--prices", "empty.toml"], "states no price"),
        (["--prices", "wrong.toml"], "koderz.prices.gpt-4o.input"),
        (["--prices", "others.toml"], "no price is for a model of this run: the run asked gpt-4o"),
        (["--model-map", "gpt-4o"], "'gpt-4o' is no pair: write OLD=NEW"),
        (["--model-map", "gpt-4.1=gpt-4o"], "gpt-4.1 was not asked: the run asked gpt-4o, gpt"),
        (["--model-map", "gpt-4o=nosuch"], "unknown model 'nosuch'"),
        (["--prices", "prices.toml", "--out", "r.txt"], "r.txt says no form"),
    ],
)
def test_bad_input_is_one_line(
    store: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    Path("empty.toml").write_text("[koderz]\n")
    Path("wrong.toml").write_text('[koderz.prices."gpt-4o"]\ninput = "much"\n')
    Path("others.toml").write_text('[koderz.prices."gpt-4.1"]\ninput = 1\noutput = 2\n')
    line = run(capsys, RUN, *options, code=2)
    assert said in line
    assert line.count("\n") == 1


def test_a_run_that_is_not_there(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no run 'x'" in run(capsys, "x", "--prices", "prices.toml", code=2)
