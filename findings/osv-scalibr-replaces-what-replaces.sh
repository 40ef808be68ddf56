#!/usr/bin/env bash
# OSV-SCALIBR, with which OSV-Scanner reads go.mod, looks for other modules than go builds, where two replace lines meet.
#
# Seen with github.com/google/osv-scalibr v0.5.3 beside go1.26.8. Go replaces a module once, and by the line that names its version
# if there is one (Go Modules Reference, "replace directive"; modload.Replacement). SCALIBR applies the lines one after another to
# what the lines before have made of the list:
#  - `replace a => b v1.0.0` and `replace b => c v1.0.0`: go builds a out of b v1.0.0, SCALIBR lists c v1.0.0 and no b. In the
#    other order of the two lines it lists b.
#  - `replace e v1.0.0 => e v1.0.1` and `replace e => e v1.5.0`: go takes v1.0.1, SCALIBR v1.5.0, and in the other order v1.0.1.
# The order of the lines says nothing to go.
set -euo pipefail
work=$(mktemp -d); trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT; cd "$work"
export GOWORK=off GOFLAGS=-mod=mod
mkdir scan && cat > scan/main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"

	config "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gomod"
)

func main() {
	extractor, err := gomod.New(&config.PluginConfig{})
	if err != nil {
		panic(err)
	}
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	inventory, err := extractor.Extract(context.Background(), &filesystem.ScanInput{Path: os.Args[1], Reader: file})
	if err != nil {
		panic(err)
	}
	for _, p := range inventory.Packages {
		if p.Name != "stdlib" {
			fmt.Println(p.Name + "@v" + p.Version)
		}
	}
}
GO
(cd scan && printf 'module example.com/scan\n\ngo 1.26\n' > go.mod &&
  go get github.com/google/osv-scalibr/extractor/filesystem/language/golang/gomod@v0.5.3 >/dev/null 2>&1 && go build -o ../scalibr .)
for module in b@v1.0.0 c@v1.0.0 e@v1.0.1 e@v1.5.0; do
  mkdir -p "proxy/example.com/${module%@*}/@v"
  printf 'module example.com/%s\n' "${module%@*}" > "proxy/example.com/${module%@*}/@v/${module#*@}.mod"
  printf '{"Version":"%s"}' "${module#*@}" > "proxy/example.com/${module%@*}/@v/${module#*@}.info"
done
export GOPROXY="file://$work/proxy" GONOSUMDB='*' GOMODCACHE="$work/cache" GOTOOLCHAIN=local
report() { # $1: the name of a module, and then the replace lines
  mkdir "$1" && cd "$1"
  printf 'module example.com/%s\n\ngo 1.24\n\nrequire (\n\texample.com/a v1.0.0\n\texample.com/e v1.0.0\n)\n' "$1" > go.mod
  printf '\nreplace %s\n' "${@:2}" >> go.mod
  echo "$1: go $(go list -m -f '{{with .Replace}}{{.Path}}@{{.Version}}{{end}}' all | sort | xargs)"
  echo "$1: scalibr $(../scalibr go.mod | sort | xargs)"
  cd ..
}
chain=('example.com/a => example.com/b v1.0.0' 'example.com/b => example.com/c v1.0.0')
exact=('example.com/e v1.0.0 => example.com/e v1.0.1' 'example.com/e => example.com/e v1.5.0')
seen=$(report one "${chain[@]}" "${exact[@]}"; report other "${chain[1]}" "${chain[0]}" "${exact[1]}" "${exact[0]}")
echo "$seen"
[ "$seen" = 'one: go example.com/b@v1.0.0 example.com/e@v1.0.1
one: scalibr example.com/c@v1.0.0 example.com/e@v1.5.0
other: go example.com/b@v1.0.0 example.com/e@v1.0.1
other: scalibr example.com/b@v1.0.0 example.com/e@v1.0.1' ] || { echo "this has changed"; exit 1; }
