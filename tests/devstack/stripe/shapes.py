"""Does an answer fit the class that the `stripe` package, generated from Stripe's OpenAPI, declares for it?"""

import inspect
import types
import typing
from decimal import Decimal
from typing import Any

import stripe
import stripe.billing_portal
import stripe.checkout

#: Names that a class's module gives to another's class.
_OTHER_NAMES = {"CardResource": "Card", "DiscountResource": "Discount"}
_PLAIN = {Decimal: str, float: (int, float)}


def fields_of(kind: type) -> dict[str, Any]:
    """{name: type} as the class and its parents declare them, without what they inherit from the library's base."""
    found: dict[str, Any] = {}
    for parent in reversed(kind.__mro__):
        if issubclass(parent, stripe.StripeObject) and parent is not stripe.StripeObject:
            found |= inspect.get_annotations(parent)
    return {name: hint for name, hint in found.items() if not name.startswith("_") and name != "OBJECT_NAME"}


def object_problems(value: Any, kind: type, where: str = "") -> list[str]:
    """What does not fit: fields that the class does not have, those that it needs, and wrong values."""
    where = where or kind.__name__
    if not isinstance(value, dict):
        return [f"{where}: {value!r} is not {kind.__name__}"]
    fields = fields_of(kind)
    needed = {name for name, hint in fields.items() if type(None) not in typing.get_args(hint)}
    found = [f"{where}.{name} is not a field of {kind.__name__}" for name in value.keys() - fields.keys()]
    found += [f"{where}.{name} is missing" for name in needed - value.keys()]
    for name in value.keys() & fields.keys():
        found += _problems(value[name], fields[name], f"{where}.{name}")
    return found


def _problems(value: Any, hint: Any, where: str) -> list[str]:
    hint = _resolved(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or isinstance(hint, typing.TypeVar):
        return []
    if origin in {typing.Union, types.UnionType}:
        return _union_problems(value, arguments, where)
    if origin is typing.Literal:
        return [] if value in arguments else [f"{where}: {value!r} is not one of {arguments}"]
    if origin is list:
        return _list_problems(value, arguments[0], where)
    return _class_problems(value, origin or hint, arguments, where)


def _resolved(hint: Any) -> Any:
    """The class that a forward reference names."""
    if not isinstance(hint, str | typing.ForwardRef):
        return hint
    written = hint if isinstance(hint, str) else hint.__forward_arg__
    name = _OTHER_NAMES.get(written, written)
    places = (stripe, stripe.checkout, stripe.billing_portal, stripe.test_helpers, stripe.billing)
    return next((getattr(place, name) for place in places if hasattr(place, name)), Any)


def _union_problems(value: Any, arguments: tuple[Any, ...], where: str) -> list[str]:
    # Literal | str is a list of values that may grow: what is served is to be one that is known.
    is_open = any(typing.get_origin(one) is typing.Literal for one in arguments)
    found = [_problems(value, one, where) for one in arguments if not (is_open and one is str)]
    return [] if [] in found else min(found, key=len)


def _list_problems(value: Any, inner: Any, where: str) -> list[str]:
    if not isinstance(value, list):
        return [f"{where}: {value!r} is not a list"]
    return [text for index, one in enumerate(value) for text in _problems(one, inner, f"{where}[{index}]")]


def _class_problems(value: Any, kind: type, arguments: tuple[Any, ...], where: str) -> list[str]:
    if issubclass(kind, stripe.ListObject):
        shape = {"data": list, "has_more": bool, "url": str, "object": str}
        if not isinstance(value, dict) or {name: type(one) for name, one in value.items()} != shape:
            return [f"{where}: {value!r} is not a list object"]
        return _list_problems(value["data"], arguments[0], f"{where}.data")
    if kind.__name__ == "UntypedStripeObject":
        return [] if isinstance(value, dict) else [f"{where}: {value!r} is not a mapping"]
    if issubclass(kind, stripe.StripeObject):
        return object_problems(value, kind, where)
    fits = isinstance(value, _PLAIN.get(kind, kind)) and not (isinstance(value, bool) and kind is int)
    return [] if fits else [f"{where}: {value!r} is not {kind.__name__}"]
