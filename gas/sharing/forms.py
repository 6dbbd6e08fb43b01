"""The form of a share."""

from django import forms
from django.conf import settings

from gas.sharing.links import USUAL_DAYS
from gas.sharing.models import LABEL_CHARACTERS


class ShareForm(forms.Form):
    """Whom a link is for, how long it lasts, and whether files can be downloaded."""

    label = forms.CharField(
        label="Whom it is for",
        required=False,
        max_length=LABEL_CHARACTERS,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="Only you see it.",
    )
    days = forms.IntegerField(
        label="Days until it ends",
        min_value=1,
        max_value=settings.SHARE_MAX_DAYS,
        initial=min(USUAL_DAYS, settings.SHARE_MAX_DAYS),
    )
    downloads = forms.BooleanField(label="Files can be downloaded", required=False)
