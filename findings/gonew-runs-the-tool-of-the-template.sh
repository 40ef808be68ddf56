#!/usr/bin/env bash
# gonew makes a module that runs the template's tools, not its own copy of them, and that retracts versions it never had.
#
# Seen with golang.org/x/tools/cmd/gonew v0.52.0 and go1.26.8. gonew copies a module under a new path and "rewrites" the path in the
# module line and in imports. Two more lines of go.mod are about the module itself, and stay as they are. `tool
# example.com/template/cmd/hello` (Go 1.24), which names a package of the template: `go tool hello` fails, and `go mod tidy`, which
# is what one does then, requires the template, so that from then on `go tool hello` runs its code, whatever the new module has in
# cmd/hello. And `retract v0.9.0` is, once the new module has a version, a word about one of its own.
# One expects tool example.org/mine/cmd/hello, and no retract line.
set -euo pipefail
work=$(mktemp -d); trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT; cd "$work"
export GOWORK=off GOFLAGS=''
GOBIN="$work" go install golang.org/x/tools/cmd/gonew@v0.52.0 2>/dev/null
mkdir -p proxy/example.com/template/@v template/cmd/hello
printf 'module example.com/template\n\ngo 1.24\n\ntool example.com/template/cmd/hello\n\nretract v0.9.0\n' | tee template/go.mod > proxy/example.com/template/@v/v1.0.0.mod
printf 'package template\n' > template/template.go
printf 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("this is the template") }\n' > template/cmd/hello/main.go
echo '{"Version":"v1.0.0"}' > proxy/example.com/template/@v/v1.0.0.info
echo v1.0.0 > proxy/example.com/template/@v/list
python3 - <<'PY'
import zipfile
with zipfile.ZipFile("proxy/example.com/template/@v/v1.0.0.zip", "w") as archive:
    for name in ("go.mod", "template.go", "cmd/hello/main.go"):
        archive.write("template/" + name, "example.com/template@v1.0.0/" + name)
PY
export GOPROXY="file://$work/proxy" GONOSUMDB='*' GOMODCACHE="$work/cache" GOTOOLCHAIN=local
echo "in the template, go tool hello: $(cd template && go tool hello)"
./gonew example.com/template@v1.0.0 example.org/mine mine >/dev/null 2>&1
cd mine
sed -i 's/this is the template/this is mine/' cmd/hello/main.go
echo "the new go.mod:"; sed 's/^/  /' go.mod
echo "go run ./cmd/hello: $(go run ./cmd/hello)"
go tool hello 2> ../said || sed 's/^/go tool hello: /' ../said
go mod tidy 2>/dev/null
echo "after go mod tidy, go tool hello: $(go tool hello)"
go mod edit -json > ../mod.json
[ "$(go run ./cmd/hello)" = "this is mine" ] && [ "$(go tool hello)" = "this is the template" ] &&
  grep -q '^retract v0.9.0$' go.mod && grep -q '"Path": "example.com/template"' ../mod.json || { echo "this has changed"; exit 1; }
