#!/usr/bin/env python3
"""docs/openapi.yaml is what the daemon does: its paths are the route table, its schemas have the names
of wire/records.c in their order, its errors are those of errors.def. That every reply fits is checked
by contract.py in each integration test; here is shown that it would notice."""
import json
import re
import unittest

import argo
import contract

ADD = "docs/openapi.yaml and libargo/daemon/routes.c differ: {}. A route is added under `paths` as its " \
      "neighbours are: tags, operationId, summary, x-argo-access, parameters, responses, x-argo-errors."
# Of a step's failure, never of a reply.
STEPS_ONLY = {1015}
# Of files, not of the API.
FILES = {"ci_mirror", "active_run"}
# Members of `data` that several routes have, as a client reads them.
PARTS = {"page"}


def source(name):
    return (argo.ROOT / name).read_text()


def route_table():
    """(method, path) -> who may."""
    rows = re.findall(r'^\s+\{AG_(GET|POST|DELETE), "([^"]+)", (\w+),',
                      source("libargo/daemon/routes.c"), re.M)
    return {(method.lower(), path): access.lower() for method, path, access in rows}


def record_tables():
    """Name of the record -> its keys in their order."""
    text = source("libargo/wire/records.c") + source("libargo/wire/replies.c")
    macros = {name: body for name, body in
              re.findall(r"^#define (\w+_REST)\s+\\\n((?:.*\\\n)*.*)$", text, re.M)}
    tables = {}
    for name, body in re.findall(r"struct ag_field (\w+)\[\] = \{(.*?)\n\};", text, re.S):
        for macro, expansion in macros.items():
            body = body.replace(macro, expansion)
        tables[name] = re.findall(r'(?:\w+\(struct \w+, |\.key = )"(\w+)"', body)
    return {name: tables[fields] for name, fields in
            re.findall(r'^(?:RECORD|LISTED)\(ag_(\w+)_record, (?:"[^"]*", )+struct \w+,\s+(\w+)\);',
                       text, re.M)}


def with_records(node, place=""):
    """(place, schema) of each schema below NODE that says from which records it is."""
    if isinstance(node, list):
        node = dict(enumerate(node))
    if isinstance(node, dict):
        if "x-argo-records" in node:
            yield place, node
        for key, value in node.items():
            yield from with_records(value, f"{place}/{key}")


class Document(unittest.TestCase):
    def setUp(self):
        self.contract = contract.contract()
        self.document = self.contract.document
        self.operations = {(method, path): operation
                           for path, item in self.document["paths"].items()
                           for method, operation in item.items() if method in contract.METHODS}

    def test_the_paths_are_the_route_table(self):
        table = route_table()
        self.assertGreater(len(table), 40)
        self.assertEqual(sorted(table.keys() - self.operations), [],
                         ADD.format("routes that are not documented"))
        self.assertEqual(sorted(self.operations.keys() - table), [],
                         ADD.format("documented routes that there are not"))
        for key, operation in self.operations.items():
            with self.subTest(" ".join(key)):
                self.assertEqual(operation["x-argo-access"], table[key], "x-argo-access")

    def test_who_may_is_said_by_security_too(self):
        said = {"public": [], "executor": [{"run": []}], "either": [{"owner": []}, {"run": []}],
                "both": [{"owner": []}, {"run": []}], "user": [{"owner": []}]}
        for key, operation in self.operations.items():
            with self.subTest(" ".join(key)):
                self.assertEqual(operation.get("security", self.document["security"]),
                                 said[operation["x-argo-access"]])

    def references(self, node):
        """Every $ref, but for those in extensions, which no other program follows."""
        if isinstance(node, list):
            return {ref for item in node for ref in self.references(item)}
        if not isinstance(node, dict):
            return set()
        return ({node["$ref"]} if "$ref" in node else set()) | \
            {ref for key, value in node.items() if not str(key).startswith("x-")
             for ref in self.references(value)}

    def test_what_a_linter_would_say(self):
        """The commonest of it; test_lint.py has one look at the rest."""
        components = {f"#/components/{kind}/{name}"
                      for kind, names in self.document["components"].items()
                      if kind != "securitySchemes" for name in names}
        self.assertEqual(sorted(components ^ self.references(self.document)), [],
                         "components that nothing refers to, or references to none")
        tags = {tag["name"] for tag in self.document["tags"]}
        ids = [operation["operationId"] for operation in self.operations.values()]
        self.assertEqual(len(ids), len(set(ids)), "an operationId is given twice")
        for key, operation in self.operations.items():
            with self.subTest(" ".join(key)):
                self.assertLessEqual(set(operation["tags"]), tags)
                self.assertLessEqual({"4XX", "5XX"}, set(operation["responses"]))
                self.assertTrue(operation["summary"])

    def test_parameters(self):
        """Those of the path are all there; a key for whatever a user changes; the epoch of executors."""
        for (method, path), operation in self.operations.items():
            with self.subTest(f"{method} {path}"):
                listed = contract.resolved(self.document["paths"][path].get("parameters", []) +
                                           operation.get("parameters", []), self.document)
                self.assertEqual([p["name"] for p in listed if p["in"] == "path"],
                                 re.findall(r"\{(\w+)\}", path))
                headers = [p["name"] for p in listed if p["in"] == "header"]
                access = operation["x-argo-access"]
                self.assertEqual("Idempotency-Key" in headers,
                                 method != "get" and access != "executor")
                if "{" in path:
                    self.assertIn(1003, operation["x-argo-errors"])

    def test_schemas_have_the_fields_of_the_records(self):
        tables, used = record_tables(), set()
        self.assertGreater(len(tables), 20)
        for name, schema in with_records(self.document):
            records = schema["x-argo-records"]
            used |= set(records)
            keys = [key for record in records for key in tables[record]]
            properties = [key for key in schema["properties"] if key not in {"status"} - set(keys)]
            with self.subTest(name):
                self.assertEqual(properties[:len(keys)], keys,
                                 f"{name}: `properties` begin with the keys of "
                                 f"{' and '.join(records)} in wire/records.c, in their order")
        self.assertEqual(sorted(tables.keys() - used - FILES - PARTS), [],
                         "records of wire/records.c that no schema names in its x-argo-records: "
                         "add one under components/schemas")

    def test_errors(self):
        codes, named = set(self.contract.codes), set()
        for key, operation in self.operations.items():
            errors = operation.get("x-argo-errors", [])
            named |= set(errors)
            with self.subTest(" ".join(key)):
                self.assertEqual(errors, sorted(set(errors) - contract.COMMON))
                self.assertLessEqual(set(errors), codes)
        self.assertEqual(sorted(codes - named - contract.COMMON - {1205, 1206} - STEPS_ONLY), [],
                         "codes of errors.def that no route answers: add them to its x-argo-errors")


class Judge(unittest.TestCase):
    """What contract.py lets pass, and what it does not."""

    def reply(self, status, value, kind="application/json"):
        return argo.Reply(status, {"Content-Type": kind}, value if isinstance(value, str) else
                          json.dumps(value))

    def check(self, method, path, status, value, **kw):
        contract.check(method, path, self.reply(status, value, **kw))

    def refuse(self, text, *args, **kw):
        with self.assertRaisesRegex(AssertionError, text):
            self.check(*args, **kw)

    def test_replies(self):
        page = {"count": 0, "next_cursor": None}
        good = {"sessions": [], "data": page}
        self.check("GET", "/api/session?limit=1", 200, good)
        self.check("HEAD", "/api/session", 200, "")
        self.refuse("not among `responses`", "GET", "/api/session", 202, good)
        self.refuse("not among the `content`", "GET", "/api/session", 200, good, kind="text/html")
        self.refuse("'more' is not documented", "GET", "/api/session", 200, {**good, "more": 1})
        self.refuse("'x' is not documented", "GET", "/api/session", 200,
                    {"sessions": [], "data": {**page, "x": 1}})
        self.refuse("after its place", "GET", "/api/session", 200, {"data": page, "sessions": []})
        self.refuse("required", "GET", "/api/session", 200, {"sessions": []})
        self.refuse("not of type", "GET", "/api/session", 200, {"sessions": 1, "data": page})
        self.refuse("has one", "HEAD", "/api/session", 200, good)

    def test_errors(self):
        def error(code):
            return {"status": "error", "error": {"code": code, "message": "m", "details": "d"}}
        self.check("GET", "/api/session/x", 404, error(1017))
        self.check("GET", "/api/session/x", 400, error(1001))
        self.check("GET", "/nothing", 404, error(1205))
        self.check("PUT", "/api/session", 405, error(1206))
        self.refuse("1005 is not in", "GET", "/api/session/x", 404, error(1005))
        self.refuse("1017 with status 400", "GET", "/api/session/x", 400, error(1017))
        self.refuse("1205 is not in", "GET", "/api/session/x", 404, error(1205))
        self.refuse("is not documented", "GET", "/nothing", 200, {})
        self.refuse("required", "GET", "/api/session/x", 404, {"status": "error", "error": {
            "code": 1017, "message": "m"}})
        self.check("GET", "/api/session/x", 404, {
            "type": "urn:argo:error:1017", "title": "t", "status": 404, "detail": "d", "code": 1017},
            kind="application/problem+json")

    def test_requests(self):
        done = self.reply(200, {"status": "success", "data": {}})
        check = lambda body: contract.check("POST", "/api/daemon/shutdown", done, json.dumps(body))
        check({"grace_s": 1, "unknown": 1})
        check({"grace_s": None})
        for body, wrong in (({"grace_s": -1}, "minimum"), ({"abandon": "yes"}, "not of type")):
            with self.assertRaisesRegex(AssertionError, wrong):
                check(body)

    def test_events(self):
        event = {"seq": 1, "stream": "event", "kind": "state", "text": "done", "path": None,
                 "at": "2026-01-31T12:00:00.000Z"}
        check = lambda name, value: contract.contract().check_event(
            "/api/workflow/{id}/events", name, json.dumps(value))
        check("event", event)
        for name, value in (("event", {**event, "more": 1}), ("output", {}), ("end", event)):
            with self.assertRaises(AssertionError):
                check(name, value)

    def test_literal_segments_win(self):
        find = contract.contract().operation
        self.assertEqual(find("POST", "/api/workflow/pause/steps")[0], "/api/workflow/pause/{id}")
        self.assertEqual(find("GET", "/api/workflow/x/steps?a=b")[0], "/api/workflow/{id}/steps")
        self.assertEqual(find("POST", "/api/template/validate")[0], "/api/template/validate")
        self.assertEqual(find("GET", "/api/nothing"), (None, None))


if __name__ == "__main__":
    argo.main()
