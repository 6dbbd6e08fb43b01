"""Template tags for sources of known variants."""

from collections.abc import Mapping
from typing import Any

from django import template

from gas.jobs import findings as job_findings

register = template.Library()


@register.filter
def findings(summary: Mapping[str, Any]) -> job_findings.Findings | None:
    """Return the findings of a job's summary by source; None if the summary has none."""
    return job_findings.of_summary(summary)


@register.filter
def said_by(values: dict[str, str] | None, source: dict[str, Any]) -> str:
    """Return the value of a source's first tag in a row of the preview, as in its database; "" if it has none."""
    value = (values or {}).get(source["tags"][0], "")
    return value.replace("_", " ").replace("&", ", ").replace("%2C", ",").replace("%3D", "=")
