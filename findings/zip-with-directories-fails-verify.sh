#!/usr/bin/env bash
# A module zip that has entries for its directories is valid, builds, and is "modified" to `go mod verify` from the first second on.
#
# Seen with go1.26.8 and golang.org/x/mod v0.43.0: `zip -r` and most zip libraries write an entry "example.com/m@v1.0.0/sub/" for
# each directory. x/mod/zip.CheckZip finds nothing wrong, and the go command downloads it, writes go.sum and builds. But
# dirhash.HashZip takes such an entry into the h1: sum as if it were an empty file, and dirhash.HashDir, which sees the files
# that were unpacked, does not. So `go mod verify` right after `go mod download`, into a new cache that nobody touched, ends with
# "dir has been modified" and 1. One expects the same h1: for the same files ("only the file names and their contents are
# included in the hash", says HashZip), as it is for the zip without those entries (`zip -D`).
set -euo pipefail
work=$(mktemp -d); trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT; cd "$work"
cat > pack.py <<'PY'
import os, zipfile
for version, directories in (("v1.0.0", True), ("v1.0.1", False)):
    base = f"proxy/example.com/m/@v/{version}"
    os.makedirs("proxy/example.com/m/@v", exist_ok=True)
    prefix = f"example.com/m@{version}/"
    files = {"go.mod": "module example.com/m\n\ngo 1.24\n", "m.go": "package m\n", "sub/sub.go": "package sub\n"}
    with zipfile.ZipFile(base + ".zip", "w") as archive:
        if directories:
            archive.writestr(prefix + "sub/", "")
        for name, text in files.items():
            archive.writestr(prefix + name, text)
    open(base + ".mod", "w").write(files["go.mod"])
    open(base + ".info", "w").write('{"Version":"%s"}' % version)
PY
python3 pack.py
mkdir check user && cat > check/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

func main() {
	for _, version := range []string{"v1.0.0", "v1.0.1"} {
		checked, err := zip.CheckZip(module.Version{Path: "example.com/m", Version: version}, os.Args[1]+version+".zip")
		fmt.Println("CheckZip", version, len(checked.Valid), "valid,", len(checked.Invalid), "invalid,", err)
	}
}
GO
export GOWORK=off GOFLAGS=-mod=mod
(cd check && printf 'module example.com/check\n\ngo 1.24\n' > go.mod && go get golang.org/x/mod@v0.43.0 2>/dev/null &&
  go run . "$work/proxy/example.com/m/@v/")
printf 'package user\n\nimport _ "example.com/m/sub"\n' > user/user.go
cd user
export GOPROXY="file://$work/proxy" GONOSUMDB='*' GOTOOLCHAIN=local
for version in v1.0.0 v1.0.1; do
  printf 'module example.com/user\n\ngo 1.24\n\nrequire example.com/m %s\n' "$version" > go.mod
  export GOMODCACHE="$work/cache-$version"
  rm -f go.sum
  go mod download && go build ./... && echo "$version builds"
  status=0; go mod verify > verify.txt 2>&1 || status=$?
  sed "s|$work/||" verify.txt
  echo "$version: go mod verify ends with $status"
  [ "$version $status" = "v1.0.0 1" ] || [ "$version $status" = "v1.0.1 0" ] || { echo "this has changed"; exit 1; }
done
