#!/bin/sh
# Has the change from before/ to after/ reviewed, in a git repository made for it, by a CI that
# plays the scripted words in recording/. It asks no model and changes nothing of yours: the
# repository with the report stays and is named at the end, everything else is removed.
set -eu

usage() {
    echo "usage: $0 PREFIX    (where argo is installed: PREFIX/bin/arc)" >&2
    exit 2
}

here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || usage
[ -x "$1/bin/arc" ] || { echo "$0: $1/bin/arc: no such program" >&2; usage; }
arc=$(cd "$1/bin" && pwd)/arc
id=code_review_demo
own_home=
work=$(mktemp -d "${TMPDIR:-/tmp}/argo-example.XXXXXX")
repository=$work/wordcount

clean_up() {
    if [ -n "$own_home" ]; then
        "$arc" daemon stop --abandon >/dev/null 2>&1 || true
        rm -rf "$own_home"
    fi
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# Without a terminal: as soon as the run asks, say this.
answer() {
    code=0
    "$arc" attach "$id" >/dev/null 2>&1 || code=$?
    [ "$code" -eq 5 ] || { echo "$0: $id ended without asking" >&2; return 1; }
    "$arc" answer "$id" "$1"
}

"$here/repository.sh" "$repository"
if [ -z "${ARGO_HOME:-}" ]; then
    own_home=$(mktemp -d "${TMPDIR:-/tmp}/argo-home.XXXXXX")
    ARGO_HOME=$own_home ARGO_DAEMON_PORT=${ARGO_DAEMON_PORT:-0}
    export ARGO_HOME ARGO_DAEMON_PORT
fi
"$arc" ci show scripted >/dev/null 2>&1 ||
    "$arc" ci add scripted --provider replay --recording "$here/recording" --model scripted

cd "$repository"
if [ -t 0 ] && [ -t 1 ]; then
    trap : INT # arc's: it detaches
    "$arc" start code_review --id "$id" --ci scripted || true
else
    "$arc" start code_review --id "$id" --ci scripted >/dev/null
    if answer 'ask for another look' && answer '' && answer 'accept the review and save it'; then
        "$arc" status "$id" --wait >/dev/null || true
    fi
    "$arc" logs "$id"
fi

if ! "$arc" --json status "$id" | grep -q '"status":"done"'; then
    echo "$id is not done${own_home:+, and ends here: its home was a temporary one}" >&2
    exit 1
fi
echo "The repository with the report: $repository"
echo "The report: $repository/$id.md"
