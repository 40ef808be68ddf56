#!/usr/bin/env bash
# GOPROXY=first,second, where the first answers the list of a module with 200 and no versions: to the go command that is an
# answer, and the second is asked after 404 and 410 alone (go help goproxy: "a comma … only if 404 or 410"). The Go datasource
# of renovate goes on to the second after the comma, and proposes what it finds there.
#
# Seen with renovate 44.121.2 and go: go asks the second nothing and lists no version; renovate proposes v1.0.0
# of the second. So a proxy that leaves versions out of its lists (a cooldown, a policy) is gone around by renovate as soon as
# it leaves out all of a module's, and only then.
set -euo pipefail
work=$(mktemp -d); trap 'kill "$servers" 2>/dev/null || true; chmod -R u+w "$work"; rm -rf "$work"' EXIT; cd "$work"

npm install --silent --no-save --ignore-scripts --no-audit --no-fund renovate@44.121.2 >/dev/null 2>&1
cat > proxies.mjs <<'JS'
import http from "node:http";
import { appendFileSync, writeFileSync } from "node:fs";
const info = JSON.stringify({ Version: "v1.0.0", Time: "2026-01-01T00:00:00Z" });
const of = (name, list, latest) => http.createServer((req, res) => {
  appendFileSync("asked", `${name} ${req.url}\n`);
  if (req.url === "/example.com/m/@v/list") return res.end(list);
  if (req.url === "/example.com/m/@latest" && latest) return res.end(info);
  if (req.url === "/example.com/m/@v/v1.0.0.info" && latest) return res.end(info);
  res.writeHead(404).end("not found");
});
const first = of("first", "", false).listen(0, "127.0.0.1", () => {
  const second = of("second", "v1.0.0\n", true).listen(0, "127.0.0.1", () => {
    writeFileSync("goproxy", [first, second].map((one) => `http://127.0.0.1:${one.address().port}`).join(","));
  });
});
JS
cat > releases.mjs <<'JS'
const { GlobalConfig } = await import(`${process.cwd()}/node_modules/renovate/dist/config/global.js`);
GlobalConfig.set({ cacheDir: `${process.cwd()}/cache`, localDir: `${process.cwd()}/local` });
const { GoDatasource } = await import(`${process.cwd()}/node_modules/renovate/dist/modules/datasource/go/index.js`);
const found = await new GoDatasource().getReleases({ packageName: "example.com/m" });
console.log("\nreleases:", (found?.releases ?? []).map(({ version }) => version).join(" "));
process.exit(0);
JS
: > asked
node proxies.mjs & servers=$!
until [ -s goproxy ]; do sleep 0.1; done
export GOPROXY=$(cat goproxy) GONOSUMDB='*' GOFLAGS=-mod=mod GOMODCACHE=$work/mod GOTOOLCHAIN=local
mkdir go && (cd go && printf 'module example.com/work\n' > go.mod && go list -m -versions example.com/m > ../go.out 2>&1 || true)
cp asked asked-by-go
node releases.mjs > renovate.out 2>/dev/null
echo "go: $(cat go.out)"
echo "renovate: $(grep releases renovate.out)"
cat asked-by-go
grep -q '^first /example.com/m/@v/list' asked-by-go
! grep -q '^second /example.com/m/@v/list' asked-by-go
grep -q 'releases: v1.0.0' renovate.out
