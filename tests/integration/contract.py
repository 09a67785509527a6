"""docs/openapi.yaml as a judge: every reply that a test gets from a daemon is looked up there. A status,
a media type, a field or an order of fields that is not documented is an AssertionError."""
import functools
import json
import pathlib
import re
import urllib.parse

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/openapi.yaml"
METHODS = ("get", "post", "delete")
# What any route may answer: the guard, the choke point, decoding, the store, the daemon itself. 1205 and
# 1206 are of paths and methods that have no route.
COMMON = {1001, 1002, 1101, 1102, 1103, 1201, 1202, 1303, 1304, 1399}
# Of a long list so many at both ends are looked at.
SAMPLE = 100


def load():
    with open(DOCUMENT, encoding="utf-8") as file:
        return yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def error_codes():
    """Code -> HTTP status of libargo/base/errors.def."""
    return {int(code): int(status) for code, status in re.findall(
        r"^X\(\w+, (\d+), (\d+),", (ROOT / "libargo/base/errors.def").read_text(), re.M)}


def resolved(node, document):
    """NODE with every $ref replaced by what it names."""
    if isinstance(node, list):
        return [resolved(item, document) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return resolved(target, document)
    return {key: resolved(value, document) for key, value in node.items()}


def without_nulls(value):
    """A field that is null is one that is not there."""
    if isinstance(value, dict):
        return {name: item for name, item in value.items() if item is not None}
    return value


def check_fields(validator, properties, instance, schema):
    """`properties` with two rules of this contract: no field but these, and in this order."""
    if not isinstance(instance, dict):
        return
    places = {name: place for place, name in enumerate(properties)}
    last = -1
    for name, value in instance.items():
        place = places.get(name)
        if place is None:
            if not schema.get("additionalProperties"):
                yield jsonschema.ValidationError(f"the field '{name}' is not documented")
            continue
        if place < last:
            yield jsonschema.ValidationError(
                f"the field '{name}' comes after its place: documented is {list(properties)}, "
                f"sent {list(instance)}")
        last = place
        yield from validator.descend(value, properties[name], path=name, schema_path=name)


def check_items(validator, items, instance, schema):
    if not isinstance(instance, list):
        return
    for i, value in enumerate(instance):
        if i < SAMPLE or i >= len(instance) - SAMPLE:
            yield from validator.descend(value, items, path=i)


Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator, {"properties": check_fields, "items": check_items})


class Contract:
    def __init__(self):
        self.document = load()
        self.codes = error_codes()
        self.routes = []  # (literal segments, regex, path), the most literal first
        for path in self.document["paths"]:
            segments = path.strip("/").split("/")
            pattern = re.compile("".join(
                "/[^/]+" if segment[0] == "{" else "/" + re.escape(segment) for segment in segments))
            self.routes.append(([segment[0] == "{" for segment in segments], pattern, path))
        self.routes.sort(key=lambda route: route[0])
        self.validators, self.requests = {}, {}

    def operation(self, method, target):
        """(path, operation) of a request; None for what has no route."""
        path = urllib.parse.unquote(target.partition("?")[0])
        method = "get" if method == "HEAD" else method.lower()
        for _, pattern, name in self.routes:
            if pattern.fullmatch(path):
                return name, self.document["paths"][name].get(method)
        return None, None

    def response(self, operation, status):
        responses = operation["responses"]
        return responses.get(str(status), responses.get(f"{status // 100}XX"))

    def validator(self, name, method, status, kind, response):
        key = name, method, status, kind
        if key not in self.validators:
            content = resolved(response, self.document).get("content", {})
            schema = content[kind]["schema"] if kind in content else None
            self.validators[key] = Validator(schema) if schema is not None else None
        return self.validators[key]

    def check_body(self, where, name, method, operation, reply):
        response = self.response(operation, reply.status)
        if response is None:
            raise AssertionError(f"{where}: the status {reply.status} is not among `responses`")
        if method == "HEAD" or reply.status == 204:
            if reply.text:
                raise AssertionError(f"{where}: a reply without a body has one: {reply.text}")
            return
        kind = reply.headers.get("Content-Type", "").partition(";")[0]
        validator = self.validator(name, method, reply.status, kind, response)
        if validator is None:
            raise AssertionError(f"{where}: the type '{kind}' is not among the `content` of "
                                 f"{reply.status}")
        if not kind.endswith("json"):
            return
        for error in validator.iter_errors(reply.json):
            place = "/".join(str(part) for part in error.absolute_path)
            raise AssertionError(f"{where}, reply {reply.status}, at '/{place}': {error.message}\n"
                                 f"mend the schema there, or the reply: {reply.text[:2000]}")

    def check_error(self, where, operation, reply):
        """The code is one that the route may answer, and has the status of the table."""
        if reply.status < 400 or not reply.text:
            return
        body = reply.json
        code = body["code"] if "code" in body else body["error"]["code"]
        if self.codes.get(code) != reply.status:
            raise AssertionError(f"{where}: {code} with status {reply.status}")
        allowed = COMMON | set(operation.get("x-argo-errors", []))
        if code not in allowed:
            raise AssertionError(f"{where}: the error {code} is not in its x-argo-errors: {reply}")

    def check_request(self, where, name, method, operation, body):
        """BODY, which was accepted, is one that the document allows; what it does not know is ignored."""
        key = name, method, "request"
        if key not in self.requests:
            content = resolved(operation.get("requestBody", {}), self.document).get("content", {})
            schema = content.get("application/json", {}).get("schema", {"maxProperties": 0})
            self.requests[key] = jsonschema.Draft202012Validator(schema)
        value = without_nulls(json.loads(body))
        for error in self.requests[key].iter_errors(value):
            place = "/".join(str(part) for part in error.absolute_path)
            raise AssertionError(f"{where} takes a body that is not documented, at '/{place}': "
                                 f"{error.message}")

    def check_event(self, name, event, data):
        """An event of the stream at the path NAME."""
        content = self.document["paths"][name]["get"]["responses"]["200"]["content"]
        key = name, "event", event
        if key not in self.validators:
            schemas = resolved(content["text/event-stream"]["x-argo-events"], self.document)
            self.validators[key] = Validator(schemas[event])
        for error in self.validators[key].iter_errors(json.loads(data)):
            raise AssertionError(f"docs/openapi.yaml, {name}, event {event}: {error.message}: {data}")

    def check(self, method, target, reply, body=None):
        """REPLY (status, headers, text, json) to METHOD TARGET with BODY is one that the document
        knows."""
        name, operation = self.operation(method, target)
        where = f"docs/openapi.yaml, {method} {name or target}"
        if operation is None:
            self.check_without_route(where, name, method, reply)
            return
        self.check_body(where, name, method, operation, reply)
        self.check_error(where, operation, reply)
        if body and reply.status < 300:
            self.check_request(where, name, method, operation, body)

    def check_without_route(self, where, name, method, reply):
        """No such path (1205) or method (1206), or what the guard says before."""
        if reply.status < 400:
            raise AssertionError(f"{where} answers {reply.status} and is not documented: add it "
                                 "under `paths`, as the route before it in routes.c")
        refused = {"responses": {"4XX": {"$ref": "#/components/responses/Refused"},
                                 "5XX": {"$ref": "#/components/responses/Failed"}},
                   "x-argo-errors": [1205 if name is None else 1206, 1003]}
        self.check_body(where, None, method, refused, reply)
        self.check_error(where, refused, reply)


@functools.lru_cache(maxsize=None)
def contract():
    return Contract()


def check(method, target, reply, body=None):
    contract().check(method, target, reply, body)
