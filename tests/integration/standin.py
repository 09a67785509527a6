"""Executors that a test plays itself: what the daemon starts leaves its token and epoch where they are
found, and stays."""
import argo

EXECUTOR = """#!/bin/sh
read -r token <&3
echo "$token $ARGO_EPOCH" > "$ARGO_WORKFLOW_ID.tmp"
mv "$ARGO_WORKFLOW_ID.tmp" "$ARGO_WORKFLOW_ID.token"
exec sleep 1000
"""
ASK = {"workflow_name": "ask", "steps": [
    {"step": "q", "type": "user_ask", "prompt": "?", "save_to": "a"}]}


def install(program):
    """In the place of an executor that may run."""
    program.unlink(missing_ok=True)
    program.write_text(EXECUTOR)
    program.chmod(0o755)


def shown(daemon, run):
    """Token and epoch of the run's newest executor, as soon as there is one; once for each."""
    path = daemon.home / f"{run}.token"
    argo.wait_for(path.exists, f"the token of {run}")
    token, epoch = path.read_text().split()
    path.unlink()
    return token, epoch


def headers(daemon, run):
    token, epoch = shown(daemon, run)
    return {"Authorization": f"Bearer {token}", "X-Argo-Epoch": epoch}


class Case(argo.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        install(cls.prefix / "bin/argo_workflow_executor")

    def played(self, run="w", **members):
        """A run of this id, and what its executor shows."""
        run = self.daemon.launch(ASK, workflow_id=run, **members)
        return run, headers(self.daemon, run)
