"""The documentation that is made of the OpenAPI document, on a page of the site without scripts of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

from gas.api.problems import CODES
from gas.api.scopes import SCOPES


@dataclass(frozen=True)
class Field:
    """A parameter or a field of a body.

    Attributes:
        name: as it is sent.
        place: path, query, header or body.
        type: for people.
        text: what it is.
        required: whether it must be sent.
        choices: its only values, if they are few.
        default: what counts if it is not sent.
    """

    name: str
    place: str
    type: str
    text: str
    required: bool
    choices: list[str]
    default: Any


@dataclass(frozen=True)
class Endpoint:
    """One operation of the document. `can_try`: a form on the page can send it."""

    id: str
    method: str
    path: str
    summary: str
    text: str
    scope: str
    fields: list[Field]
    answers: list[tuple[str, str, str]]

    @property
    def can_try(self) -> bool:
        return self.method == "GET" and "{" not in self.path


class DocsPage(DocsBase):
    """Renders the page."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        document = api.get_openapi_schema()
        groups: dict[str, list[Endpoint]] = {}
        for tag, endpoint in _endpoints(document):
            groups.setdefault(tag, []).append(endpoint)
        values = {
            "groups": groups,
            "description": api.description,
            "schemas": [_schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items())],
            "codes": CODES,
            "scopes": SCOPES,
        }
        return render(request, "api/docs.html", values)


def _endpoints(document: dict[str, Any]) -> Iterator[tuple[str, Endpoint]]:
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            found = [_parameter(one) for one in operation.get("parameters", [])]
            answers = [
                (status, _title(status, answer["description"]), _answer(answer))
                for status, answer in operation["responses"].items()
            ]
            endpoint = Endpoint(
                operation["operationId"],
                method.upper(),
                path,
                operation["summary"],
                operation.get("description", ""),
                operation.get("x-scope", ""),
                [*found, *_body(operation, schemas)],
                answers,
            )
            yield operation["tags"][0], endpoint


def _title(status: str, text: str) -> str:
    return text or HTTPStatus(int(status)).phrase


def _answer(answer: dict[str, Any]) -> str:
    """Return the name of an answer's schema; "" if it has none."""
    for content in answer.get("content", {}).values():
        return type_of(content.get("schema", {}))
    return ""


def _parameter(one: dict[str, Any]) -> Field:
    schema = one.get("schema", {})
    return Field(
        one["name"],
        one["in"],
        type_of(schema),
        one.get("description", ""),
        bool(one.get("required")),
        _choices(schema),
        schema.get("default"),
    )


def _body(operation: dict[str, Any], schemas: dict[str, Any]) -> Iterator[Field]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    schema = schemas.get(content.get("$ref", "").rpartition("/")[2], content)
    yield from _properties(schema)


def _properties(schema: dict[str, Any]) -> Iterator[Field]:
    required = schema.get("required", [])
    for name, one in schema.get("properties", {}).items():
        yield Field(
            name,
            "body",
            type_of(one),
            one.get("description", ""),
            name in required,
            _choices(one),
            one.get("default"),
        )


def _schema(name: str, schema: dict[str, Any]) -> tuple[str, str, list[Field]]:
    return name, schema.get("description", ""), list(_properties(schema))


def _choices(schema: dict[str, Any]) -> list[str]:
    found = list(schema.get("enum", []))
    for one in schema.get("anyOf", []):
        found += one.get("enum", [])
    return [str(one) for one in found if one != ""]


def type_of(schema: dict[str, Any]) -> str:
    """Return a schema's type for people: the name of a schema, or that of JSON."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        names = dict.fromkeys(type_of(one) for one in schema["anyOf"])
        return " or ".join(names)
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any")
