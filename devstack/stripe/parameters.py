"""The parameters that each call takes, and how they are read from a form with names such as line_items[0][price]."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from devstack.stripe import API_VERSION
from devstack.stripe.errors import StripeError

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_CODES = {"extra_forbidden": "parameter_unknown", "missing": "parameter_missing"}


def parse(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return nested mappings of text. A list becomes a mapping from positions, since its name looks the same.

    Raises:
        StripeError: a name is malformed, or names a value and a mapping at once.
    """
    result: dict[str, Any] = {}
    for name, value in pairs:
        found = _NAME.fullmatch(name)
        if found is None:
            raise StripeError(400, f"Invalid parameter name: {name}", param=name)
        *path, last = [found[1], *re.findall(r"\[([^\[\]]*)\]", found[2])]
        place = result
        for part in path:
            inner = place.setdefault(part or str(len(place)), {})
            if not isinstance(inner, dict):
                raise StripeError(400, f"Invalid object: {name}", param=name)
            place = inner
        place[last or str(len(place))] = value
    return result


def _as_list(value: Any) -> Any:
    """Return the values of a mapping from positions, in their order."""
    if isinstance(value, dict) and all(key.isdecimal() for key in value):
        return [value[key] for key in sorted(value, key=int)]
    return value


Texts = Annotated[list[str], BeforeValidator(_as_list), Field(min_length=1)]
Url = Annotated[str, Field(pattern=r"^https?://[^/\s]+")]
Email = Annotated[str, Field(max_length=512)]
_Key = Annotated[str, Field(max_length=40)]
_Value = Annotated[str, Field(max_length=500)]
Metadata = Annotated[dict[_Key, _Value], Field(max_length=50, default_factory=dict)]


class Params(BaseModel):
    """No parameters; its subclasses add those of one call. Others are refused."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def read(cls, sent: dict[str, Any]) -> Self:
        """Check what was sent.

        Raises:
            StripeError: a parameter is unknown, missing or wrong.
        """
        try:
            return cls.model_validate(sent)
        except ValidationError as error:
            first = error.errors()[0]
            name = "".join(f"[{part}]" if index else str(part) for index, part in enumerate(first["loc"]))
            raise StripeError(400, f"{first['msg']}: {name}", code=_CODES.get(first["type"], ""), param=name) from error


class Page(Params):
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    starting_after: str | None = None


class NewCustomer(Params):
    email: Email | None = None
    metadata: Metadata


class CustomerChange(Params):
    email: Email


class SubscriptionPage(Page):
    customer: str | None = None
    status: Literal["all"] | None = None


class SessionPage(Page):
    customer: str | None = None


class LineItem(Params):
    price: str
    quantity: Literal["1"]


class SubscriptionData(Params):
    metadata: Metadata


class NewSession(Params):
    mode: Literal["subscription"]
    customer: str
    client_reference_id: Annotated[str, Field(max_length=200)] | None = None
    line_items: Annotated[list[LineItem], BeforeValidator(_as_list), Field(min_length=1, max_length=1)]
    metadata: Metadata
    subscription_data: SubscriptionData = Field(default_factory=lambda: SubscriptionData(metadata={}))
    success_url: Url
    cancel_url: Url | None = None


class NewPortalSession(Params):
    customer: str
    return_url: Url | None = None


class NewEndpoint(Params):
    url: Url
    enabled_events: Texts
    api_version: str = Field(default=API_VERSION, pattern=f"^{re.escape(API_VERSION)}$")
    metadata: Metadata


class EndpointChange(Params):
    url: Url | None = None
    enabled_events: Texts | None = None
    disabled: bool | None = None
