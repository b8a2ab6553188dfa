"""The ledger's tables, and the steps from every older version to today's.

Money is kept as whole pico-USD (10⁻¹² USD), so that SQL sums it exactly: a token at $0.15 per
million costs 150,000 of them. Rates are pico-USD per million tokens. NULL is unknown. Times are
microseconds since 1970 UTC.
"""

from __future__ import annotations

from typing import Final

from koderz.databases import Schema

APPLICATION_ID = 0x4B6F6472
"""Marks a SQLite file as a ledger of ours ("Kodr")."""

_FIRST = """
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    at_us INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    task TEXT NOT NULL,
    tier TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    answered_by TEXT NOT NULL,
    input_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    is_estimated INTEGER NOT NULL,
    input_rate_pusd INTEGER,
    cache_read_rate_pusd INTEGER,
    cache_write_rate_pusd INTEGER,
    output_rate_pusd INTEGER,
    rates_as_of TEXT NOT NULL,
    cost_pusd INTEGER,
    latency_s REAL NOT NULL,
    first_token_s REAL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    route_source TEXT NOT NULL,
    request_id TEXT NOT NULL,
    is_simulated INTEGER NOT NULL
) STRICT;
CREATE INDEX attempts_by_time ON attempts (at_us, is_simulated, cost_pusd);
CREATE INDEX attempts_by_job ON attempts (job_id);

CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY,
    at_us INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    task TEXT NOT NULL,
    engine TEXT NOT NULL,
    tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL,
    baseline_pusd INTEGER,
    digest_pusd INTEGER,
    baseline TEXT NOT NULL,
    is_simulated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_by_time ON jobs (at_us);

CREATE TABLE contradictions (
    job_id TEXT PRIMARY KEY,
    at_us INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""

_SCORES = """
CREATE TABLE scores (
    id INTEGER PRIMARY KEY,
    at_us INTEGER NOT NULL,
    job_id TEXT NOT NULL,
    task TEXT NOT NULL,
    model TEXT NOT NULL,
    reference TEXT NOT NULL,
    measure TEXT NOT NULL,
    agreed REAL NOT NULL,
    units INTEGER NOT NULL,
    is_simulated INTEGER NOT NULL
) STRICT;
CREATE INDEX scores_by_time ON scores (at_us);

CREATE TABLE calibrations (
    id INTEGER PRIMARY KEY,
    at_us INTEGER NOT NULL,
    task TEXT NOT NULL,
    model TEXT NOT NULL,
    reference TEXT NOT NULL,
    truth TEXT NOT NULL,
    examples INTEGER NOT NULL,
    threshold REAL NOT NULL,
    max_loss REAL NOT NULL,
    loss_high REAL NOT NULL,
    kept REAL NOT NULL,
    compared INTEGER NOT NULL,
    agreed INTEGER NOT NULL,
    agreement_low REAL NOT NULL,
    is_simulated INTEGER NOT NULL
) STRICT
"""

# `parts` is JSON: what names the pieces of a request, never the pieces themselves.
_SUBMISSIONS = """
ALTER TABLE attempts ADD COLUMN batch_id TEXT NOT NULL DEFAULT '';
CREATE TABLE submissions (
    id TEXT PRIMARY KEY,
    at_us INTEGER NOT NULL,
    question TEXT NOT NULL,
    run_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    task TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    newest_before TEXT NOT NULL,
    batch_id TEXT NOT NULL,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX submissions_by_question ON submissions (question, state);

CREATE TABLE submitted_requests (
    submission_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    parts TEXT NOT NULL,
    estimate_pusd INTEGER,
    is_recorded INTEGER NOT NULL,
    PRIMARY KEY (submission_id, position)
) STRICT, WITHOUT ROWID
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _SCORES, _SUBMISSIONS)
"""The script at position n takes a file of version n to version n + 1; none is ever changed.

A semicolon at a line's end ends a statement.
"""

SCHEMA: Final = Schema(
    title="the ledger",
    elsewhere="name another place in [koderz.ledger] path",
    application_id=APPLICATION_ID,
    migrations=MIGRATIONS,
)
