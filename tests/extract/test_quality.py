"""On the public logs a digest keeps more of the lines that matter than the end of the log does."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from koderz.extract import build_digest, load_survey
from koderz.tokens import count_tokens


def load_wanted(folder: Path, text: str) -> list[str]:
    anomalies = yaml.safe_load((folder / "inf.yaml").read_text())["anomalies"]
    wanted = [each["line"].strip() for each in anomalies if not each.get("optional")]
    return [line for line in wanted if line in text]


def cut_tail(lines: list[str], budget: int) -> str:
    """As many whole lines of the end as fit, without numbers."""
    kept: list[str] = []
    for line in reversed(lines):
        budget -= count_tokens(line + "\n")
        if budget < 0:
            break
        kept.append(line)
    return "\n".join(reversed(kept))


@pytest.mark.parametrize(("budget", "least_ratio"), [(250, 1), (500, 1), (1_000, 1.2), (4_000, 1)])
def test_a_digest_keeps_more_than_the_tail(data_dir: Path, budget: int, least_ratio: float) -> None:
    ours = tails = 0
    for folder in sorted((data_dir / "logs").iterdir()):
        path = next(folder.glob("*.fail"))
        text = path.read_text(encoding="utf-8", errors="replace")
        digest = build_digest(load_survey(path), budget)
        kept = "\n".join(span.text for span in digest.spans)
        tail = cut_tail(text.splitlines(), budget)
        wanted = load_wanted(folder, text)
        ours += sum(line in kept for line in wanted)
        tails += sum(line in tail for line in wanted)
    assert tails > 0
    assert ours >= least_ratio * tails
