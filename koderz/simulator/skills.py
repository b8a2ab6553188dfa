"""How good a simulated model is: a share between 0 and 1 of what it gets right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from koderz.errors import ConfigError
from koderz.types import Tier

DEFAULT_SKILLS: Mapping[Tier, float] = {
    Tier.LOCAL: 0.5,
    Tier.SMALL_FRONTIER: 0.8,
    Tier.FRONTIER: 0.97,
}


def get_skill(model: str, tier: Tier, skills: Mapping[str, float]) -> float:
    """The model's skill: as stated under its name, else under a pattern, else its tier's."""
    if model in skills:
        return skills[model]
    patterns = (skill for pattern, skill in skills.items() if fnmatchcase(model, pattern))
    return next(patterns, DEFAULT_SKILLS[tier])


def check_skills(skills: Mapping[str, float]) -> dict[str, float]:
    """The same skills, known to lie in [0, 1]. Raises ConfigError."""
    for model, skill in skills.items():
        if not 0 <= skill <= 1:
            raise ConfigError(f"a skill lies between 0 and 1, not {skill}", key=f"skill {model}")
    return dict(skills)


def parse_skills(texts: Iterable[str]) -> dict[str, float]:
    """Skills out of texts such as `gpt-4o-mini=0.6` or `llama*=0.4`. Raises ConfigError."""
    return check_skills(dict(map(_parse_skill, texts)))


def _parse_skill(text: str) -> tuple[str, float]:
    model, _, skill = text.rpartition("=")
    try:
        return _named(model.strip()), float(skill)
    except ValueError:
        reason = f"cannot read {text!r}: write MODEL=SKILL, such as gpt-4o-mini=0.6"
        raise ConfigError(reason, key="skill") from None


def _named(model: str) -> str:
    if not model:
        raise ValueError
    return model
