"""The form of a new token."""

from datetime import timedelta

from django import forms

from gas.api.models import NAME_CHARACTERS
from gas.api.scopes import JOBS_READ, JOBS_WRITE, RESULTS_READ, SCOPES

LIFETIMES = (("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "1 year"))


class TokenForm(forms.Form):
    """A token's name, what it allows, and how long."""

    name = forms.CharField(
        max_length=NAME_CHARACTERS, help_text="What it is for, such as the computer or the pipeline that uses it."
    )
    scopes = forms.MultipleChoiceField(
        label="It allows to",
        choices=[(name, f"{text} ({name})") for name, text in SCOPES.items()],
        initial=[JOBS_READ, JOBS_WRITE, RESULTS_READ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )
    days = forms.ChoiceField(label="It expires after", choices=LIFETIMES, initial="90")

    @property
    def lifetime(self) -> timedelta:
        """How long the token is valid, of a valid form."""
        return timedelta(days=int(self.cleaned_data["days"]))
