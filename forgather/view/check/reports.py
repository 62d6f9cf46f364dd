"""Findings as text, JSON, SARIF 2.1.0 (code scanning) and GitHub workflow commands."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from forgather.errors import ForgatherError
from forgather.view.check.findings import Finding
from forgather.words import counted

FORMATS = ("text", "json", "sarif", "github")
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(form: str, findings: Sequence[Finding], configs: int) -> str:
    return {"text": _text, "json": _json, "sarif": _sarif, "github": _github}[form](
        findings, configs
    )


def _text(findings: Sequence[Finding], configs: int) -> str:
    parts = []
    for finding in findings:
        shown = ForgatherError(
            finding.message, where=finding.where, hint=finding.hint, code=finding.code
        ).render()
        if finding.level != "error":
            shown = shown.replace("error[", f"{finding.level}[", 1)
        if finding.path:
            shown += f"\n  in the graph: {finding.path}"
        if finding.config:
            shown += f"\n  config: {_relative(os.path.join(finding.project, finding.config))}"
        parts.append(shown)
    errors = sum(finding.level == "error" for finding in findings)
    notes = len(findings) - errors
    told = f", {counted(notes, 'note')}" if notes else ""
    parts.append(f"{counted(configs, 'config')} checked: {counted(errors, 'error')}{told}")
    return "\n\n".join(parts)


def _json(findings: Sequence[Finding], configs: int) -> str:
    data = {"configs": configs, "findings": [finding.to_json() for finding in findings]}
    return json.dumps(data, indent=2)


def _github(findings: Sequence[Finding], configs: int) -> str:
    lines = []
    for finding in findings:
        level = "notice" if finding.level == "note" else finding.level
        place = [f"title={finding.code}"]
        if finding.where:
            place.insert(0, f"file={_relative(finding.where.path or finding.where.template)}")
            place.insert(1, f"line={finding.where.line}")
            if finding.where.column:
                place.insert(2, f"col={finding.where.column}")
        message = finding.message + (f"\nhint: {finding.hint}" if finding.hint else "")
        escaped = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        lines.append(f"::{level} {','.join(place)}::{escaped}")
    return "\n".join(lines)


def _sarif(findings: Sequence[Finding], configs: int) -> str:
    run = {
        "tool": {
            "driver": {
                "name": "forgather check",
                "rules": [{"id": code} for code in sorted({f.code for f in findings})],
            }
        },
        "results": [_sarif_result(finding) for finding in findings],
    }
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _sarif_result(finding: Finding) -> dict:
    text = finding.message + (f" ({finding.hint})" if finding.hint else "")
    result: dict = {
        "ruleId": finding.code,
        "level": finding.level,
        "message": {"text": text},
    }
    if finding.where:
        region = {"startLine": finding.where.line}
        if finding.where.column:
            region["startColumn"] = finding.where.column
        uri = _relative(finding.where.path or finding.where.template).replace(os.sep, "/")
        location = {"artifactLocation": {"uri": uri}, "region": region}
        result["locations"] = [{"physicalLocation": location}]
    return result


def _relative(path: str) -> str:
    """Relative to the current directory where the file is below it."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative
