"""Refusals in Stripe's words: {"error": {type, code, message, param}}."""

from typing import Any


class StripeError(Exception):
    """`status` is the HTTP status; `param` names the request's parameter, as line_items[0][price]."""

    def __init__(
        self, status: int, message: str, *, code: str = "", param: str = "", kind: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param, self.kind = status, message, code, param, kind

    def body(self) -> dict[str, Any]:
        error = {"type": self.kind, "message": self.message}
        if self.code:
            error |= {
                "code": self.code,
                "doc_url": f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}",
            }
        if self.param:
            error["param"] = self.param
        return {"error": error}


def missing(what: str, object_id: str, *, param: str = "id") -> StripeError:
    """Nothing has this id. 404 for the object that the path names, 400 for one that a parameter names."""
    return StripeError(
        404 if param == "id" else 400, f"No such {what}: '{object_id}'", code="resource_missing", param=param
    )


def unknown(param: str) -> StripeError:
    return StripeError(400, f"Received unknown parameter: {param}", code="parameter_unknown", param=param)


def required(param: str) -> StripeError:
    return StripeError(400, f"Missing required param: {param}.", code="parameter_missing", param=param)


def invalid(message: str, param: str = "") -> StripeError:
    return StripeError(400, message, param=param)
