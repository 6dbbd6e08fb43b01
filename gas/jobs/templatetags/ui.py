"""Icons and form fields, for every page."""

from collections.abc import Iterator
from typing import Any, Final

from django import template
from django.core.paginator import Page
from django.forms import BoundField, CheckboxInput, RadioSelect, Select
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

SPRITE: Final = "dist/icons.svg"


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Return a Bootstrap icon from the sprite that the front-end build makes (see gas/frontend/icons.mjs).

    Without `label` the icon is decoration next to text, and screen readers skip it.
    """
    href = f"{static(SPRITE)}#{name}"
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, href)
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"/></svg>', href)


@register.filter
def widget(field: BoundField) -> SafeString:
    """Return the field's widget with Bootstrap's class for its kind, and marked if it has errors.

    Django itself links the widget to its help text and errors (aria-describedby, aria-invalid).
    """
    kind = field.field.widget
    if isinstance(kind, CheckboxInput | RadioSelect):
        css = "form-check-input"
    elif isinstance(kind, Select):
        css = "form-select"
    else:
        css = "form-control"
    if field.errors:
        css += " is-invalid"
    # A placeholder that repeats the label is of no use, and disappears when people start to type.
    return field.as_widget(attrs={"class": css, "placeholder": False})


@register.filter
def is_checkbox(field: BoundField) -> bool:
    """Return whether the label belongs after the widget."""
    return isinstance(field.field.widget, CheckboxInput)


@register.simple_tag
def page_numbers(page: Page[Any]) -> Iterator[int | str]:
    """Yield the page numbers to link to from `page`: all if there are few, else both ends, neighbors and ellipses."""
    return page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
