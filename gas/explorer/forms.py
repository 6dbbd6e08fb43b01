"""What people send to keep: notes, names of filters, columns."""

from django import forms

from gas.explorer.models import NAME_CHARACTERS, NOTE_CHARACTERS, QUERY_CHARACTERS
from gas.explorer.search import LONGEST


class SearchForm(forms.Form):
    """The search box."""

    text = forms.CharField(max_length=LONGEST, label="Find a variant, a gene or a text")


class NoteForm(forms.Form):
    """A note on a starred variant."""

    note = forms.CharField(
        max_length=NOTE_CHARACTERS, required=False, widget=forms.Textarea(attrs={"rows": 3}), label="Note"
    )


class SaveForm(forms.Form):
    """A name for the filters that are active."""

    name = forms.CharField(max_length=NAME_CHARACTERS, label="Name")
    query = forms.CharField(max_length=QUERY_CHARACTERS, widget=forms.HiddenInput)


class ColumnsForm(forms.Form):
    """The columns of the table; none for the usual ones. query: what the table is asked for besides."""

    query = forms.CharField(max_length=QUERY_CHARACTERS, required=False, widget=forms.HiddenInput)

    def __init__(self, data: object, names: list[str]) -> None:
        """names: of the columns that can be chosen."""
        super().__init__(data)  # type: ignore[arg-type]
        self.fields["column"] = forms.MultipleChoiceField(choices=[(name, name) for name in names], required=False)
