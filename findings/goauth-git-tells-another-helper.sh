#!/usr/bin/env bash
# GOAUTH='git DIR' asks the credential helper that is configured in DIR, and tells it never what came of the credential.
#
# Seen with go1.26.8 (1.24.13, 1.25.14 and 1.27.4 alike) and git 2.39.5: `git credential fill` runs in DIR, as `go help goauth`
# says, but `git credential approve` and `reject` run where the go command was started. So a helper in DIR/.git/config gets "get"
# and no "store" or "erase": a cache never keeps what was typed, and a wrong password is handed out again for ever. One in the
# global configuration is told, if the command runs long enough (the validating HEAD request goes on beside it): here the server
# answers .mod a second later.
set -euo pipefail
work=$(mktemp -d); trap 'kill $server 2>/dev/null || true; chmod -R u+w "$work"; rm -rf "$work"' EXIT; cd "$work"
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=proxy -addext subjectAltName=IP:127.0.0.1 2>/dev/null
cat > server.py <<'PY'
import http.server, ssl, time
class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *words): pass
    def answer(self):
        known = self.headers.get("Authorization") is not None
        if self.path.endswith(".mod"): time.sleep(1)
        body = b"" if not known else b'{"Version":"v1.0.0"}' if self.path.endswith(".info") else b"module example.com/m\n"
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET": self.wfile.write(body)
    do_GET = do_HEAD = answer
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
open("port.new", "w").write(str(server.server_address[1]))
import os; os.rename("port.new", "port")
server.serve_forever()
PY
python3 server.py & server=$!
until [ -s port ]; do sleep 0.1; done
cat > helper <<'SH'
#!/bin/sh
echo "$1" >> "$CALLS"
[ "$1" != get ] || printf 'username=alice\npassword=secret\n'
SH
chmod +x helper
git init -q asked; git -C asked config credential.helper "$work/helper"
mkdir plain home elsewhere; printf '[credential]\n\thelper = %s\n' "$work/helper" > global
# calls CONFIGURATION DIRECTORY: which words the helper heard
calls() {
  rm -rf calls cache; touch calls
  (cd elsewhere && env -i PATH="$PATH" HOME="$work/home" GOTOOLCHAIN=local GOTELEMETRY=off GOFLAGS=-modcacherw GOMODCACHE="$work/cache" \
    GONOSUMDB='*' SSL_CERT_FILE="$work/cert.pem" GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL="$1" GIT_TERMINAL_PROMPT=0 CALLS="$work/calls" \
    GOPROXY="https://127.0.0.1:$(cat ../port)" GOAUTH="git $2" go list -m example.com/m@v1.0.0 >/dev/null)
  paste -sd' ' calls
}
seen="in DIR: $(calls /dev/null "$work/asked")
global: $(calls "$work/global" "$work/plain")"
echo "$seen"; go version; git --version
[ "$seen" = 'in DIR: get
global: get store' ] || { echo "this has changed"; exit 1; }
