#!/bin/sh
# mandoc has nothing against the manual pages, but that they have no date: manuals.sh PAGE...
said=$(mandoc -T lint -W warning "$@" | grep -v 'missing date')
[ -z "$said" ] || { echo "$said"; exit 1; }
