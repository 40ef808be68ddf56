#!/bin/sh
# golang.org/x/pkgsite v0.6.0: the API behind pkg.go.dev/v1 (/v1/package/PATH?doc=…&examples=true) leaves out every comment inside the
# code of examples, with an empty line in its place. Authors put half of an example's explanation there. One expects what
# pkg.go.dev itself and `go doc` show: go/doc gives the comments beside the code (Example.Code and Example.Comments), and
# internal/api/render.go prints Example.Code alone. (*printer.CommentedNode would print both.)
# Shown with github.com/google/go-cmp v0.7.0, whose example of Diff begins "Let got be the hypothetical value".
# Needs go, curl and a module proxy as GOPROXY. Exits 0 while that is so, and 1 when the comment is there.
set -eu
directory=$(mktemp -d)
proxy=$(go env GOPROXY | tr '|' ',' | cut -d, -f1) # pkgsite takes one address, not a list
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; chmod -R u+w "$directory"; rm -rf "$directory"' EXIT
cd "$directory"
GOFLAGS= GOWORK=off GOBIN="$directory" go install golang.org/x/pkgsite/cmd/pkgsite@v0.6.0
port=${PORT:-19191}
GOPROXY="$proxy" K_SERVICE=any ./pkgsite -proxy -http "127.0.0.1:$port" >log 2>&1 &
server=$!
for _ in $(seq 120); do
  [ "$(curl -s -o answer -w '%{http_code}' "http://127.0.0.1:$port/v1/nothing" || true)" = 400 ] && break
  sleep 1
done
curl -sf "http://127.0.0.1:$port/v1/package/github.com/google/go-cmp/cmp?version=v0.7.0&doc=text&examples=true" >answer
echo "--- the example in the API"
tr -d '\r' <answer | sed 's/\\n/\n/g; s/\\t/\t/g' | grep -A4 -m1 'MakeGatewayInfo()'
echo "--- the same in its source"
(cd / && GOFLAGS= go mod download -json github.com/google/go-cmp@v0.7.0) | sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p' >where
grep -B2 -A3 -m1 'got, want := MakeGatewayInfo()' "$(cat where)/cmp/example_test.go"
grep -q 'Let got be the hypothetical value' "$(cat where)/cmp/example_test.go"
grep -q 'MakeGatewayInfo()' answer
! grep -q 'Let got be the hypothetical value' answer
