"""The clinical meaning of a source's fields: which one holds the significance, the condition, and so on."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Protocol
from urllib.parse import quote

from annotator.sources.errors import SourceError

#: The address of a page about one allele; {} stands for the ID.
CLINVAR_PAGE = "https://www.ncbi.nlm.nih.gov/clinvar/variation/{}/"
_PAGE = re.compile(r"https://[^\s{}]+\{\}[^\s{}]*").fullmatch
_ID = re.compile(r"[\w.:-]{1,60}", re.ASCII).fullmatch


class Named(Protocol):
    """A field of a source: its name in the source, and its tag in results."""

    @property
    def field(self) -> str: ...

    @property
    def tag(self) -> str: ...


@dataclass(frozen=True)
class Roles:
    """The tags that have a clinical meaning, "" for none.

    significance: the clinical significance, in ClinVar's terms. A source without it has no findings.
    review: the review status.
    condition: the disease.
    id: the source's own ID of the allele.
    link: the address of a page about it, with {} for the ID.
    """

    significance: str = ""
    review: str = ""
    condition: str = ""
    id: str = ""
    link: str = ""

    def address(self, id_: str) -> str:
        """Return the address of the page about an ID; "" if there is none."""
        return self.link.replace("{}", quote(id_, safe="")) if _PAGE(self.link) and _ID(id_) else ""


def recognised(taken: Iterable[Named]) -> Roles:
    """Return the roles of fields that have the names of ClinVar's fields, under any tag."""
    by_field = {one.field: one.tag for one in taken}
    if "CLNSIG" not in by_field:
        return Roles()
    id_ = "CLNVID" if "CLNVID" in by_field.values() else ""
    return Roles(
        significance=by_field["CLNSIG"],
        review=by_field.get("CLNREVSTAT", ""),
        condition=by_field.get("CLNDN", ""),
        id=id_,
        link=CLINVAR_PAGE if id_ else "",
    )


def parse_roles(text: str, link: str, taken: Iterable[Named]) -> Roles:
    """Parse ROLE=FIELD,…; each field must be among those taken. Raises SourceError."""
    by_field = {one.field: one.tag for one in taken}
    known = [one.name for one in fields(Roles) if one.name != "link"]
    found = {}
    for part in text.split(","):
        role, _, field = (word.strip() for word in part.partition("="))
        if role not in known or field not in by_field:
            raise SourceError(
                "bad-request",
                f"{part.strip()!r} is not a role and one of the fields taken, such as significance=CLNSIG. "
                f"Roles: {', '.join(known)}; fields: {', '.join(by_field)}.",
            )
        found[role] = by_field[field]
    if "significance" not in found:
        raise SourceError("bad-request", "Say with significance=FIELD which field holds the classification.")
    if link and not (_PAGE(link) and "id" in found):
        raise SourceError("bad-request", "A link is an https address with {} for the ID, and needs the role id.")
    return Roles(**found, link=link)


def as_manifest(roles: Roles) -> dict[str, str]:
    """Return the roles in the form of a manifest."""
    return {name: value for name, value in asdict(roles).items() if value}


def of_manifest(declared: Mapping[str, str] | None, taken: Iterable[Named]) -> Roles:
    """Return the roles that a manifest declares; if it declares none, those recognized by field names."""
    if declared is None:
        return recognised(taken)
    return Roles(**{one.name: str(declared.get(one.name, "")) for one in fields(Roles)})
