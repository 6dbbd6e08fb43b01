"""The OpenAPI document: what ninja derives from the routes, with the scopes and the problems of every endpoint."""

from typing import Any, Final

from ninja import NinjaAPI

from gas.api.auth import TokenAuth
from gas.api.problems import CODES, MEDIA_TYPE, ProblemOut
from gas.api.scopes import SCOPES

PROBLEM: Final = {"$ref": "#/components/schemas/ProblemOut"}
SCHEME: Final = "token"
#: Headers of every answer.
_HEADERS: Final = {
    "X-Request-Id": {"description": "Names the request in the service's logs.", "schema": {"type": "string"}},
    "RateLimit": {"description": "Requests that are left, and seconds until more come.", "schema": {"type": "string"}},
}
_METHODS: Final = ("get", "post", "put", "patch", "delete")


def complete(document: dict[str, Any], api: NinjaAPI) -> dict[str, Any]:
    """Add to a document what ninja does not know: scopes, problems, headers and the security scheme. Changes it."""
    schemas = document["components"]["schemas"]
    problem = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["ProblemOut"] = problem
    document["components"]["securitySchemes"] = {SCHEME: {"type": "http", "scheme": "bearer", "description": _scopes()}}
    scopes = scopes_by_operation(api)
    for operations in document["paths"].values():
        for method in _METHODS:
            if method in operations:
                _complete(method, operations[method], scopes)
    return document


def _scopes() -> str:
    lines = [f"`{name}`: {text}." for name, text in SCOPES.items()]
    return "A personal token or an access token of the device flow. Scopes: " + " ".join(lines)


def scopes_by_operation(api: NinjaAPI) -> dict[str, str]:
    """Return the scope that each operation needs, by its id. An operation without one is open to everybody."""
    found = {}
    for router in api._get_bound_routers():  # noqa: SLF001 - ninja has no public list of its operations
        for view in router.path_operations.values():
            for operation in view.operations:
                auth = [one for one in operation.auth_callbacks if isinstance(one, TokenAuth)]
                if auth:
                    found[operation.operation_id or operation.view_func.__name__] = auth[0].scope
    return found


def _complete(method: str, operation: dict[str, Any], scopes: dict[str, str]) -> None:
    statuses = {429, 500, 503}
    scope = scopes.get(operation["operationId"])
    operation.pop("security", None)
    if scope:
        operation["security"] = [{SCHEME: [scope]}]
        operation["x-scope"] = scope
        statuses |= {401, 403}
    if operation.get("parameters") or operation.get("requestBody"):
        statuses.add(422)
    if operation.get("requestBody"):
        statuses |= {400, 413}
    if any(one["in"] == "path" for one in operation.get("parameters", [])):
        statuses.add(404)
    if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", [])):
        statuses.add(409)
    responses = {str(status): details for status, details in operation["responses"].items()}
    for number in statuses:
        responses.setdefault(str(number), {})
    for status, details in responses.items():
        if int(status) >= 400:
            titles = dict.fromkeys(kind.title for kind in CODES.values() if kind.status == int(status))
            details.update(description="; ".join(titles), content={MEDIA_TYPE: {"schema": PROBLEM}})
        details["headers"] = _HEADERS
    if method == "get" and "200" in responses:
        responses.setdefault("304", {"description": "Unchanged since the ETag in If-None-Match", "headers": _HEADERS})
    operation["responses"] = dict(sorted(responses.items()))
