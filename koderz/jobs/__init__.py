"""The small jobs: extract, ask a small model, check, escalate."""
