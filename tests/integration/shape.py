"""What every reply of the API has in common."""
import json

import argo


class Case(argo.Case):
    def assert_shape(self, reply, keys, status=200):
        """STATUS, compact, and exactly KEYS in this order; returns the value."""
        self.assertEqual(reply.status, status, reply)
        value = json.loads(reply.text)
        self.assertEqual(list(value), keys.split())
        self.assertEqual(json.dumps(value, separators=(",", ":"), ensure_ascii=False),
                         reply.text)
        self.assertEqual(reply.headers["Content-Type"], "application/json")
        self.assertEqual(reply.headers["Cache-Control"], "no-store")
        if value.get("status") == "success":
            self.assertTrue(reply.text.startswith('{"status":"success",'))
        return value

    def assert_error(self, reply, status, code, field=None):
        value = self.assert_shape(reply, "status error", status)
        self.assertTrue(reply.text.startswith('{"status":"error","error":{"code":%d,' % code),
                        reply)
        error = value["error"]
        keys = ["code", "message", "details"]
        keys += ["field"] if "field" in error else []
        keys += ["problems"] if "problems" in error else []
        self.assertEqual(list(error), keys)
        self.assertTrue(error["message"])
        if field is not None:
            self.assertEqual(error.get("field"), field)
        return error

    def template(self, name, text):
        directory = self.daemon.home / "workflows/templates"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{name}.yaml").write_text(
            text if isinstance(text, str) else json.dumps(text))
