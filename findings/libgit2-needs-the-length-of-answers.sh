#!/bin/sh
# libgit2 1.9.7 (pygit2 1.21.0) cannot fetch from a server whose answers end with the connection: "could not read refs from remote
# repository". An answer without Content-Length and Transfer-Encoding is one whose body goes on until the server closes (RFC
# 9112, 6.3, point 8); it is what every HTTP/1.0 server sends, and what CGI programs such as `git http-backend`, which does
# not count what it sends, become behind a plain one. To libgit2 the end of such a body is a failure. git,
# isomorphic-git 1.44.19 and dulwich 1.2.21 clone from it. One expects the same of all that speak HTTP/1.1.
# Shown: the same server with and without Content-Length, which closes the connection after each answer in both cases.
# Exits 0 while that is so, and 1 when libgit2 clones from both.
set -eu
directory=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$directory"' EXIT
cd "$directory"
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
npm install --silent --no-audit --no-fund isomorphic-git@1.44.19
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check pygit2==1.21.0 dulwich==1.2.21
git init --quiet --initial-branch=main work
git -C work commit --quiet --allow-empty --message=one
git clone --quiet --bare work repository.git
cat >serve.py <<'PY'
import http.server, os, subprocess
class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *args): pass
    def do_GET(self): self.serve()
    def do_POST(self): self.serve()
    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size)); self.rfile.readline()
        return b"".join(parts)
    def serve(self):
        path, _, query = self.path.partition("?")
        counted, path = path.startswith("/counted/"), path[path.index("/", 1):]
        body = self.body()
        env = dict(os.environ, GIT_PROJECT_ROOT=os.getcwd(), GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query,
            REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type", ""), CONTENT_LENGTH=str(len(body)),
            HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""), REMOTE_ADDR="127.0.0.1")
        said = subprocess.run(["git", "http-backend"], input=body, env=env, stdout=subprocess.PIPE).stdout
        head, _, rest = said.partition(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(lines.pop("Status", "200").split()[0]))
        for name, value in lines.items(): self.send_header(name, value)
        if counted: self.send_header("Content-Length", str(len(rest)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(rest)
        self.close_connection = True
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
print(server.server_address[1], flush=True)
server.serve_forever()
PY
mkfifo port
python3 serve.py >port &
server=$!
read -r port <port
cat >clone.py <<'PY'
import io, sys
import pygit2
from dulwich import porcelain
url, into = sys.argv[1:]
porcelain.clone(url, into + "-dulwich", errstream=io.BytesIO())
print("  dulwich: cloned")
try:
    pygit2.clone_repository(url, into + "-libgit2")
    print("  libgit2", pygit2.LIBGIT2_VERSION + ": cloned")
except pygit2.GitError as error:
    print("  libgit2", pygit2.LIBGIT2_VERSION + ":", error)
PY
cat >clone.mjs <<'END'
import fs from "node:fs";
import git from "isomorphic-git";
import http from "isomorphic-git/http/node";
const [url, dir] = process.argv.slice(2);
await git.clone({ fs, http, url, dir });
console.log("  isomorphic-git: cloned");
END
for kind in counted uncounted; do
  url=http://127.0.0.1:$port/$kind/repository.git
  echo "answers $kind:"
  git clone --quiet "$url" "$kind-git" && echo "  git: cloned"
  node clone.mjs "$url" "$kind-isomorphic"
  python/bin/python clone.py "$url" "$kind"
done | tee seen
grep -q 'libgit2.*: cloned' seen && grep -q 'libgit2.*: could not read refs' seen
