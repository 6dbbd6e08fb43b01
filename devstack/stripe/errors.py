"""Refusals in Stripe's form: {"error": {type, code, message, param}}."""

from typing import Any


class StripeError(Exception):
    """A refused request.

    Args:
        status: the HTTP status.
        message: what is wrong.
        code: Stripe's short name for it, such as resource_missing; empty if it has none.
        param: the request's parameter, such as line_items[0][price].
        kind: Stripe's type of error.
    """

    def __init__(
        self, status: int, message: str, *, code: str = "", param: str = "", kind: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param, self.kind = status, message, code, param, kind

    def body(self) -> dict[str, Any]:
        optional = {name: value for name, value in (("code", self.code), ("param", self.param)) if value}
        return {"error": {"type": self.kind, "message": self.message, **optional}}


def missing(kind: str, object_id: str, *, param: str = "id") -> StripeError:
    """No object has this id: 404 if the path names it, 400 if a parameter does."""
    status = 404 if param == "id" else 400
    return StripeError(status, f"No such {kind}: '{object_id}'", code="resource_missing", param=param)
