"""What SendGrid's published OpenAPI files say of the endpoints that the simulator serves.

The files are large and full of prose; `tests/integration/sendgrid_openapi.yaml` keeps the facts that can be checked: parameters,
bodies of requests, and the bodies of answers by status. To make it anew from the files of github.com/twilio/sendgrid-oai:

    python -m tests.support.sendgrid_openapi path/to/sendgrid-oai/spec/yaml

A shape is written as the JSON that it describes: `{id*: string, tags: [string?]}` is an object that must have an `id`, and may have a
list of texts or nulls. `string {maxLength: 9}` is a type with rules of JSON Schema, `=lists.List` a shape that has a name, `any` may be
anything; the keys `<any>`, `<pattern …>`, `<one of>` and `<or null>` stand for what has no name.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import ValidationError
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from starlette.routing import Route

from sendgrid_orchestration.simulator.api import app

_FOLDER = Path(__file__).parent.parent / "integration"
FILE = _FOLDER / "sendgrid_openapi.yaml"
DEVIATIONS: list[dict[str, Any]] = yaml.safe_load(
    (_FOLDER / "sendgrid_openapi_deviations.yaml").read_text(encoding="utf-8")
)
"""Where the simulator differs on purpose: patterns of differences, and why."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

_RULES = (
    "enum", "pattern", "format", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems",
)  # fmt: skip
_ANY, _ONE_OF, _OR_NULL = "<any>", "<one of>", "<or null>"

Schema = Mapping[str, Any]

_VALIDATORS: dict[int, OAS30Validator] = {}
"""By the id of the schema that each was made of: making one takes longer than using it."""


@dataclass(frozen=True)
class Operation:
    """One method of one path, as it is published."""

    method: str
    path: str
    query: Mapping[str, Schema]
    required: frozenset[str]
    """Which parameters of the query must be there."""
    body: Schema | None
    answers: Mapping[int, Schema | None]
    """By status: what the body must be; None where nothing is said of it."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def served() -> list[tuple[str, str]]:
    """Every method and path of the simulator, with `{}` for what varies."""
    return [
        (method, plain(route.path))
        for route in app.ROUTES
        if isinstance(route, Route)
        for method in METHODS
        if method in (route.methods or ())
    ]


@cache
def operations() -> dict[tuple[str, str], Operation]:
    """The published operations among those that are served, by method and path, with `{}` for what varies."""
    found = {}
    for name, told in _file()["paths"].items():
        method, path = name.split()
        body = schema(told["body"]) if told.get("body") else None
        query = {key.removesuffix("*"): schema(shape) for key, shape in told.get("query", {}).items()}
        required = frozenset(key.removesuffix("*") for key in told.get("query", {}) if key.endswith("*"))
        answers = {
            status: None if shape is None else schema(shape)
            for status, shape in told.items()
            if isinstance(status, int)
        }
        found[method, plain(path)] = Operation(method, path, query, required, body, answers)
    return found


def operation_of(method: str, path: str) -> Operation | None:
    """The operation that a request of this path meets; whole words go before parts that vary."""
    fitting = [
        operation
        for (its_method, plain), operation in operations().items()
        if its_method == method and re.fullmatch(re.escape(plain).replace(r"\{\}", "[^/]+"), path)
    ]
    return min(fitting, key=lambda operation: operation.path.count("{"), default=None)


def trouble(value: Any, schema: Schema | None) -> list[str]:
    """Where a body is not what the schema says: the place in it and the rule that is broken, such as `$.result[].id type`.

    A property that the schema does not name is told, too, which JSON Schema alone would allow.
    """
    if schema is None:
        return []
    if id(schema) not in _VALIDATORS:
        _VALIDATORS[id(schema)] = OAS30Validator(
            {**schema, "shapes": _shapes()}, format_checker=oas30_format_checker
        )
    errors = _VALIDATORS[id(schema)].iter_errors(value)
    return sorted({told for error in errors for told in _told(error)})


class Answers:
    """What the simulator answered, and how it differs from what is published.

    Attributes:
        answered: method, path and status of every answer to a published operation.
        differences: what is wrong, and a body in which it was.
    """

    def __init__(self) -> None:
        self.answered: set[tuple[str, str, int]] = set()
        self.differences: dict[str, str] = {}

    def note(self, method: str, path: str, status: int, body: Any) -> None:
        """Look at one answer."""
        operation = operation_of(method, path)
        if operation is None:
            self.differences.setdefault(f"{method} {path} is not published", "")
            return
        self.answered.add((method, plain(operation.path), status))
        shape = operation.answers.get(status)
        if status not in operation.answers:
            self.differences.setdefault(f"{operation} {status}", str(body))
            shape = _ERROR if status >= 400 else None
        for told in trouble(body, shape):
            self.differences.setdefault(f"{operation} {status} {told}", str(body))

    def unexplained(self) -> dict[str, str]:
        """The differences that no deviation explains."""
        patterns = [pattern for deviation in DEVIATIONS for pattern in deviation["where"]]
        return {
            difference: body[:300]
            for difference, body in self.differences.items()
            if not any(re.fullmatch(pattern, difference) for pattern in patterns)
        }


def _told(error: ValidationError) -> Iterator[str]:
    if error.validator in ("oneOf", "anyOf") and error.context:
        choices: dict[Any, list[ValidationError]] = {}
        for one in error.context:
            choices.setdefault(one.schema_path[0], []).append(one)
        for one in min(choices.values(), key=len):
            yield from _told(one)
        return
    place = "".join("[]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    if error.validator == "required":
        yield from (
            f"${place}.{name} required" for name in error.validator_value if name not in error.instance
        )
    elif error.validator == "additionalProperties" and error.validator_value is False:
        yield from (
            f"${place}.{name} unknown" for name in error.instance if name not in error.schema["properties"]
        )
    else:
        yield f"${place} {'null' if error.instance is None else error.validator}"


def schema(shape: Any) -> dict[str, Any]:
    """A shape as JSON Schema."""
    if isinstance(shape, list):
        return {"type": "array", "items": schema(shape[0])}
    if isinstance(shape, str):
        return _leaf(shape)
    if _OR_NULL in shape:
        return {**schema(shape[_OR_NULL]), "nullable": True}
    if _ONE_OF in shape:
        return {"oneOf": [schema(one) for one in shape[_ONE_OF]]}
    named = {key: schema(part) for key, part in shape.items() if not key.startswith("<")}
    made: dict[str, Any] = {
        "type": "object",
        "properties": {key.removesuffix("*"): part for key, part in named.items()},
        "patternProperties": {
            key.removeprefix("<pattern ").removesuffix(">"): schema(part)
            for key, part in shape.items()
            if key.startswith("<pattern")
        },
        "additionalProperties": schema(shape[_ANY]) if _ANY in shape else False,
    }
    if required := [key.removesuffix("*") for key in named if key.endswith("*")]:
        made["required"] = required
    return made


def _leaf(text: str) -> dict[str, Any]:
    if text.startswith("="):
        return {"$ref": f"#/shapes/{text[1:]}"}
    kind, _, rules = text.partition(" ")
    made: dict[str, Any] = yaml.safe_load(rules) if rules else {}
    if kind.endswith("?"):
        made["nullable"] = True
    if kind.rstrip("?") != "any":
        made["type"] = kind.rstrip("?")
    return made


def shape(reference: str) -> Schema:
    """What a `$ref` of an operation refers to."""
    found: Schema = _shapes()[reference.removeprefix("#/shapes/")]
    return found


@cache
def _shapes() -> dict[str, Any]:
    return {name: schema(shape) for name, shape in _file()["shapes"].items()}


@cache
def _file() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


_ERROR = schema(
    {
        "errors*": [
            {
                "message*": "string",
                "field": "string?",
                "error_id": "string",
                "parameter": "string",
                "id": "string",
                "url": "string",
            }
        ]
    }
)
"""What an error is where an operation does not say it."""


def plain(path: str) -> str:
    """A path with `{}` for what varies."""
    return re.sub(r"\{[^}]*\}", "{}", path)


class _Extract:
    """Collects the facts from the files, each shared shape once."""

    def __init__(self, folder: Path) -> None:
        self.paths: dict[str, dict[str, Any]] = {}
        self.shapes: dict[str, Any] = {}
        wanted = set(served())
        for file in sorted(folder.glob("tsg_*.yaml")):
            self._spec = yaml.safe_load(file.read_text(encoding="utf-8"))
            self._name = file.stem.removeprefix("tsg_").removesuffix("_v3")
            for path, methods in self._spec["paths"].items():
                for method in METHODS:
                    if (method, plain(path)) in wanted and method.lower() in methods:
                        self.paths[f"{method} {path}"] = self._operation(methods, methods[method.lower()])

    def _operation(self, shared: Schema, told: Schema) -> dict[str, Any]:
        parameters = [
            self._target(one) for one in (*shared.get("parameters", ()), *told.get("parameters", ()))
        ]
        made: dict[str, Any] = {}
        # One parameter of the legacy search has no name of its own.
        if asked := [one for one in parameters if one["in"] == "query" and "{" not in one["name"]]:
            made["query"] = {
                _key(one["name"], one.get("required")): self._shape(one["schema"]) for one in asked
            }
        if "requestBody" in told:
            made["body"] = self._content(self._target(told["requestBody"]))
        for status, answer in told["responses"].items():
            if status.isdigit() and int(status) < 500:
                made[int(status)] = self._content(self._target(answer))
        return made

    def _content(self, told: Schema) -> Any:
        schema = told.get("content", {}).get("application/json", {}).get("schema")
        return None if schema is None else self._shape(schema)

    def _shape(self, told: Schema) -> Any:
        if "$ref" in told:
            return self._referred(told)
        if choices := told.get("oneOf") or told.get("anyOf"):
            return {_ONE_OF: [self._shape(one) for one in choices]}
        if "items" in told:
            return [self._shape(told["items"])]
        required = told.get("required", ())
        made = {
            _key(name, name in required): self._shape(part)
            for name, part in told.get("properties", {}).items()
        }
        made |= {
            f"<pattern {one}>": self._shape(part) for one, part in told.get("patternProperties", {}).items()
        }
        if isinstance(told.get("additionalProperties"), Mapping):
            made[_ANY] = self._shape(told["additionalProperties"])
        if made:
            made |= {_key(name, True): "any" for name in required if _key(name, True) not in made}
            return {_OR_NULL: made} if told.get("nullable") else made
        rules = {rule: told[rule] for rule in _RULES if rule in told}
        mark = "?" if told.get("nullable") else ""
        return f"{told.get('type', 'any')}{mark}{' ' + _line(rules) if rules else ''}"

    def _referred(self, told: Schema) -> Any:
        target = self._target(told)
        if "properties" not in target and "oneOf" not in target:
            return self._shape({**target, **{key: told[key] for key in told if key != "$ref"}})
        name = f"{self._name}.{told['$ref'].rsplit('/', 1)[1]}"
        if name not in self.shapes:
            self.shapes[name] = None
            self.shapes[name] = self._shape(target)
        return f"={name}"

    def _target(self, told: Schema) -> Schema:
        if "$ref" not in told:
            return told
        found: Any = self._spec
        for part in told["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return self._target(found)


def _key(name: str, required: object) -> str:
    return f"{name}*" if required else name


_HEAD = """\
# What SendGrid's published OpenAPI files say of the endpoints that the simulator serves, without their prose.
# From github.com/twilio/sendgrid-oai (MIT). Generated by tests/support/sendgrid_openapi.py; do not edit.
# What is asked although it is not in these files is in sendgrid_api.yaml.
"""


def main(folder: str) -> None:
    """Write the extract, a line for each parameter, body and answer where it fits."""
    extract = _Extract(Path(folder))
    with FILE.open("w", encoding="utf-8") as file:
        file.write(f"{_HEAD}paths:\n")
        for operation, facts in sorted(extract.paths.items()):
            file.write(f"  {operation}:\n")
            file.writelines(f"    {name}: {_line(fact)}\n" for name, fact in facts.items())
        file.write("shapes:\n")
        file.writelines(f"  {name}: {_line(shape)}\n" for name, shape in sorted(extract.shapes.items()))


def _line(facts: Any) -> str:
    text = yaml.safe_dump(facts, sort_keys=False, default_flow_style=True, width=110, allow_unicode=True)
    return text.removesuffix("\n...\n").strip().replace("\n", "\n      ")


if __name__ == "__main__":
    main(sys.argv[1])
