#!/bin/sh
# Makes a git repository of before/ with one commit and of after/ as a change that is not committed:
# repository.sh DIRECTORY. The recording answers one diff, byte for byte, so what your settings
# would change in it is set here.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }

unset $(git rev-parse --local-env-vars)
git init -q --template= --object-format=sha1 -b main "$1"
cat >>"$1/.git/config" <<END
[core]
    attributesFile = /dev/null
    autocrlf = false
    hooksPath = /dev/null
[diff]
    algorithm = myers
    context = 3
    indentHeuristic = true
    interHunkContext = 0
    mnemonicPrefix = false
    noprefix = false
    suppressBlankEmpty = false
END
cp "$here/before/wordcount.c" "$1"
git -C "$1" add wordcount.c
GIT_AUTHOR_DATE='2024-01-01T00:00:00Z' GIT_COMMITTER_DATE='2024-01-01T00:00:00Z' \
    git -C "$1" -c user.name=Example -c user.email=example@example.invalid \
    -c commit.gpgSign=false commit -q -m 'wordcount: count the words of a stream'
cp "$here/after/wordcount.c" "$1"
