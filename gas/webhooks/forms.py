"""The form of an endpoint."""

from django import forms

from gas.webhooks.events import Event
from gas.webhooks.models import URL_CHARACTERS


class EndpointForm(forms.Form):
    """An address and events. What the address must be, `gas.webhooks.sending` checks."""

    url = forms.CharField(
        label="Address",
        max_length=URL_CHARACTERS,
        widget=forms.URLInput(attrs={"autocomplete": "off"}),
        help_text="Of your program, such as https://lab.example.org/gas, on the public internet.",
        error_messages={"required": "Enter the address of your program."},
    )
    events = forms.MultipleChoiceField(
        choices=Event.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=Event.values,
        error_messages={"required": "Choose at least one event."},
    )
