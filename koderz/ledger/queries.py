"""The SQL behind every figure: each is a sum of rows, reckoned exactly by SQLite.

All take the same parameters: `since` (inclusive) and `until` (exclusive) in microseconds,
`run_id` (NULL for all) and `is_simulated`.
"""
# ruff: noqa: S608 (every part that is put into a query is a constant of this file)

from __future__ import annotations

from typing import Final, Literal, get_args

from koderz.types import CHORES, TaskKind

GroupBy = Literal["tier", "task", "model"]

_WINDOW = "at_us >= :since AND at_us < :until AND (:run_id IS NULL OR run_id = :run_id)"
_CHOSEN = f"{_WINDOW} AND is_simulated = :is_simulated"
_UNSAVING = ", ".join(f"'{task}'" for task in sorted(set(TaskKind) - CHORES))
_ANSWERS = "outcome IN ('accepted', 'rejected')"
# Nobody waits for a batch: its hours say nothing of how fast a model answers.
_TIMED = f"{_ANSWERS} AND batch_id = ''"

GROUPS: Final = {
    by: f"""
SELECT {by} AS name,
    count(*) AS calls,
    sum(outcome = 'accepted') AS accepted,
    sum(outcome = 'rejected') AS rejected,
    sum(outcome = 'failed') AS failed,
    sum(outcome = 'cancelled') AS cancelled,
    sum(input_tokens) AS input_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    sum(cache_write_tokens) AS cache_write_tokens,
    sum(output_tokens) AS output_tokens,
    sum(reasoning_tokens) AS reasoning_tokens,
    sum(cost_pusd) AS cost_pusd,
    count(*) - count(cost_pusd) AS unknown_cost_calls,
    avg(latency_s) FILTER (WHERE {_TIMED}) AS avg_latency_s
FROM attempts WHERE {_CHOSEN}
GROUP BY name ORDER BY calls DESC, name
"""
    for by in get_args(GroupBy)
}

# The percentile is the nearest rank: the smallest latency that 95% of the answers don't exceed.
SLOW: Final = {
    by: f"""
WITH ranked AS (
    SELECT {by} AS name, latency_s,
        row_number() OVER (PARTITION BY {by} ORDER BY latency_s) AS place,
        count(*) OVER (PARTITION BY {by}) AS answers
    FROM attempts WHERE {_CHOSEN} AND {_TIMED}
)
SELECT name, latency_s AS p95_latency_s FROM ranked WHERE place = (answers * 95 + 99) / 100
"""
    for by in get_args(GroupBy)
}

KINDS = f"""
SELECT
    (SELECT count(*) FROM attempts WHERE {_WINDOW} AND NOT is_simulated) AS real_calls,
    (SELECT count(*) FROM attempts WHERE {_WINDOW} AND is_simulated) AS simulated_calls,
    (SELECT count(*) FROM jobs WHERE {_WINDOW} AND NOT is_simulated) AS real_jobs,
    (SELECT count(*) FROM jobs WHERE {_WINDOW} AND is_simulated) AS simulated_jobs
"""

SMALL = f"""
SELECT count(*) AS calls,
    coalesce(sum(input_tokens + cache_read_tokens + cache_write_tokens + output_tokens), 0)
        AS total_tokens,
    avg(latency_s) FILTER (WHERE {_TIMED}) AS avg_latency_s,
    count(*) FILTER (WHERE {_ANSWERS}) AS checked,
    count(*) FILTER (
        WHERE outcome = 'accepted' AND job_id NOT IN (SELECT job_id FROM contradictions)
    ) AS held
FROM attempts WHERE {_CHOSEN} AND tier IN ('local', 'small_frontier')
"""

# A job's first row is that of the first model tried: every question starts with it.
ASKED_JOBS = f"""
WITH chosen AS (
    SELECT job_id, outcome, model,
        first_value(model) OVER (PARTITION BY job_id ORDER BY id) AS first_model
    FROM attempts WHERE {_CHOSEN} AND job_id <> '' AND task <> '{TaskKind.QUALITY}'
), asked AS (
    SELECT max(outcome = 'accepted') AS is_answered,
        max(outcome = 'accepted' AND model <> first_model) AS is_escalated
    FROM chosen GROUP BY job_id
)
SELECT count(*) AS jobs, sum(is_answered) AS answered, sum(is_escalated) AS escalated FROM asked
"""

# All of a job's attempts count, also those before the window: else a job's saving would depend on
# when one looks.
SAVINGS = f"""
WITH chosen AS (
    SELECT * FROM jobs WHERE {_CHOSEN}
), paid AS (
    SELECT job_id, sum(cost_pusd) AS cost, count(*) - count(cost_pusd) AS unknown
    FROM attempts WHERE job_id IN (SELECT job_id FROM chosen) GROUP BY job_id
), reckoned AS (
    SELECT engine, baseline_pusd, digest_pusd, coalesce(cost, 0) AS cost,
        baseline_pusd IS NOT NULL AND digest_pusd IS NOT NULL AND coalesce(unknown, 0) = 0
            AS is_known
    FROM chosen LEFT JOIN paid USING (job_id)
)
SELECT count(*) AS jobs,
    sum(engine <> 'model') AS jobs_without_model,
    sum(NOT is_known) AS unknown_jobs,
    sum(baseline_pusd) FILTER (WHERE is_known) AS baseline_pusd,
    sum(cost) FILTER (WHERE is_known) AS cost_pusd,
    sum(digest_pusd) FILTER (WHERE is_known) AS digest_pusd,
    sum(baseline_pusd - cost - digest_pusd) FILTER (WHERE is_known) AS saved_pusd
FROM reckoned
"""

BASELINES = f"""
SELECT baseline FROM jobs WHERE {_CHOSEN} AND baseline <> ''
GROUP BY baseline ORDER BY count(*) DESC, baseline
"""

UNRECORDED = f"""
SELECT sum(cost_pusd) AS cost_pusd FROM attempts
WHERE {_CHOSEN} AND task NOT IN ({_UNSAVING}) AND job_id NOT IN (SELECT job_id FROM jobs)
"""
