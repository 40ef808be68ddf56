#!/usr/bin/env bash
# gorelease suggests a patch release, with exit 0, for a module whose package nobody can import any more.
#
# Seen with golang.org/x/exp/cmd/gorelease v0.0.0-20261113113407-e3970619a1a4 and go1.26.8, on example.com/lib whose v1.0.0 has a package
# lib with a function F. If the function is deleted, gorelease says so and ends with 1. If `package lib` becomes `package main`, all
# of the API is gone ("is a program, not an importable package"), and gorelease suggests v1.0.1: it leaves programs out on both
# sides, also when the other side was a library. If it becomes `package library`, every importer that writes lib.F stops
# compiling, and the suggestion is v1.0.1 too: the name of a package is no part of what apidiff compares (golang/go#37003).
# One expects what its documentation says, that only an unchanged public API gets a patch.
set -euo pipefail
work=$(mktemp -d); trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT; cd "$work"
export GOWORK=off GOFLAGS='' GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
GOBIN="$work" go install golang.org/x/exp/cmd/gorelease@v0.0.0-20261113113407-e3970619a1a4 2>/dev/null
mkdir -p proxy/example.com/lib/@v v1.0.0
printf 'module example.com/lib\n\ngo 1.24\n' | tee v1.0.0/go.mod > proxy/example.com/lib/@v/v1.0.0.mod
printf 'package lib\n\n// F is the API.\nfunc F() {}\n\n// G is the rest of it.\nfunc G() {}\n' > v1.0.0/lib.go
echo '{"Version":"v1.0.0","Time":"2026-01-01T00:00:00Z"}' > proxy/example.com/lib/@v/v1.0.0.info
echo v1.0.0 > proxy/example.com/lib/@v/list
python3 - <<'PY'
import zipfile
with zipfile.ZipFile("proxy/example.com/lib/@v/v1.0.0.zip", "w") as archive:
    for name in ("go.mod", "lib.go"):
        archive.write("v1.0.0/" + name, "example.com/lib@v1.0.0/" + name)
PY
export GOPROXY="file://$work/proxy" GONOSUMDB='*' GOMODCACHE="$work/cache" GOTOOLCHAIN=local
next() { # $1: what changes, $2: how sed makes it, $3: what is added
  cp -R v1.0.0 "$1" && cd "$1"
  sed -i "$2" lib.go && printf '%s' "${3:-}" >> lib.go
  go vet . # it compiles
  git init --quiet . && git add . && git commit --quiet --message=next
  local ended=0; ../gorelease -base=v1.0.0 > ../said 2>&1 || ended=$?
  cd .. && echo "$1: ends with $ended, $(grep -E '^(F|Suggested|Cannot)' said | xargs)"
  # a module that uses the base, and would be given the suggested version by go get -u=patch
  mkdir "$1-user" && cd "$1-user"
  printf 'module example.com/user\n\ngo 1.24\n\nrequire example.com/lib v1.0.0\n\nreplace example.com/lib => ../%s\n' "$1" > go.mod
  printf 'package user\n\nimport "example.com/lib"\n\nvar F = lib.F\n' > user.go
  go vet . >../said 2>&1 && echo "  its user compiles" || { echo "  its user does not compile:"; grep -v '^#' ../said | sed "s/^/    /;s|$work/||"; }
  cd ..
}
seen=$(next comment 's/the rest/what else there is/'; next deleted '/^\/\/ F is/d;/^func F/d'; next program 's/^package lib/package main/' 'func main() {}'; next renamed 's/^package lib/package library/')
echo "$seen"
[ "$(grep -E '^[a-z]+:|^  its' <<< "$seen")" = 'comment: ends with 0, Suggested version: v1.0.1
  its user compiles
deleted: ends with 1, F: removed Cannot suggest a release version.
  its user does not compile:
program: ends with 0, Suggested version: v1.0.1
  its user does not compile:
renamed: ends with 0, Suggested version: v1.0.1
  its user does not compile:' ] || { echo "this has changed"; exit 1; }
