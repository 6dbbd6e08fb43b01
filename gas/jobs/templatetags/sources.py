"""What sources of known variants say, for people."""

from typing import Any

from django import template

register = template.Library()


@register.filter
def said_by(values: dict[str, str] | None, source: dict[str, Any]) -> str:
    """The value of a source's first tag in a row of the preview, in the words of its database; "" if it has none."""
    value = (values or {}).get(source["tags"][0], "")
    return value.replace("_", " ").replace("&", ", ").replace("%2C", ",").replace("%3D", "=")
