"""`koderz doctor`: what is here, what is missing, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from koderz.commands import console
from koderz.commands.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from koderz.diagnosis import Finding

MARKS = {"ok": "[green]ok[/]     ", "absent": "[dim]absent[/] ", "problem": "[red]problem[/]"}


def doctor(
    *,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at keys (by name only), servers, settings, ledger and versions; say what to do.

    Leaves with 1 where something is wrong. What is merely absent is fine unless you want it.

    Examples:

        koderz doctor

        koderz doctor --json
    """
    from koderz import compose
    from koderz.diagnosis import diagnose

    findings = console.run(diagnose(compose.load(config)))
    if as_json:
        console.print_json({"findings": findings})
    else:
        _print_findings(findings)
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)


def _print_findings(findings: Sequence[Finding]) -> None:
    from rich.markup import escape

    output = console.get_output()
    area = ""
    for finding in findings:
        if finding.area != area:
            area = finding.area
            output.print(f"[bold]{area}[/]")
        output.print(f"  {MARKS[finding.state]}  {finding.name}: {escape(finding.detail)}")
        if finding.next:
            output.print(f"           [dim]{escape(finding.next)}[/]")
