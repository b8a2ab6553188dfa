"""A model's skill is what was stated for it, and by tier otherwise."""

from __future__ import annotations

import pytest

from koderz.errors import ConfigError
from koderz.simulator.skills import check_skills, get_skill, parse_skills
from koderz.types import Tier


def test_stated_skills_go_before_patterns_and_patterns_before_tiers() -> None:
    skills = parse_skills(["gpt*=0.1", "gpt-4o-mini=0.6", "phi:2.7b=0"])
    assert get_skill("gpt-4o-mini", Tier.SMALL_FRONTIER, skills) == 0.6
    assert get_skill("gpt-4o", Tier.FRONTIER, skills) == 0.1
    assert get_skill("phi:2.7b", Tier.LOCAL, skills) == 0
    tiers = (Tier.LOCAL, Tier.SMALL_FRONTIER, Tier.FRONTIER)
    by_tier = [get_skill("other", tier, skills) for tier in tiers]
    assert by_tier == sorted(by_tier)
    assert len(set(by_tier)) == 3


@pytest.mark.parametrize("text", ["", "gpt", "=0.5", "gpt=", "gpt=high", "gpt=1.1", "gpt=nan"])
def test_a_skill_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="skill"):
        parse_skills([text])


def test_skills_from_python_are_checked_too() -> None:
    with pytest.raises(ConfigError, match="between 0 and 1"):
        check_skills({"gpt": -0.1})
