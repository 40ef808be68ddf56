#!/bin/sh
# git 2.39.5: what the client of `git push` computes grows with the square of the number of refs over HTTP, and not over a
# path or ssh. The remote helper is given each ref as a refspec of its own and matches every one against every ref. 10,000
# tags (an import of a large repository) cost the client about 40 s of processor time before it sends a byte; the server
# cannot do anything about it. Pushing in slices (refs/tags/v1.0.*, refs/tags/v1.1.*…) avoids it.
# Needs git and python3; runs git's own http-backend behind python's CGI. Prints the client's processor time for N and 2N new
# tags over HTTP and over a path; exits 0 while twice the tags cost over HTTP more than three times as much.
set -eu
directory=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$directory"' EXIT
cd "$directory"
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0
git version
git init --quiet client
git -C client -c user.name=a -c user.email=a@example.com commit --quiet --allow-empty --message=one

cat >serve.py <<'PY'
import http.server, os, subprocess, sys
class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
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
        body = self.body()
        env = dict(os.environ, GIT_PROJECT_ROOT=os.getcwd(), GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query,
            REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type", ""), CONTENT_LENGTH=str(len(body)),
            HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""), REMOTE_USER="a", REMOTE_ADDR="127.0.0.1")
        said = subprocess.run(["git", "http-backend"], input=body, env=env, stdout=subprocess.PIPE).stdout
        head, _, rest = said.partition(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(lines.pop("Status", "200").split()[0]))
        for name, value in lines.items(): self.send_header(name, value)
        self.end_headers()
        self.wfile.write(rest)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
print(server.server_address[1], flush=True)
server.serve_forever()
PY
mkfifo port
python3 serve.py >port &
server=$!
read -r port <port

# prints the processor time of the client, in hundredths of a second; git's own children are the client's
cost() {
  git init --quiet --bare "$1"
  python3 - "$2" <<'PY'
import resource, subprocess, sys
subprocess.run(["git", "-C", "client", "push", "--quiet", sys.argv[1], "refs/tags/*:refs/tags/*"], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(round(used.ru_utime * 100))
PY
}

measure() {
  seq "$1" | sed "s|.*|create refs/tags/v0.0.& $(git -C client rev-parse HEAD)|" | git -C client update-ref --stdin
  http=$(cost "http-$1" "http://127.0.0.1:$port/http-$1")
  path=$(cost "path-$1" "$directory/path-$1")
  echo "$1 tags: $http/100 s over HTTP (the client alone), $path/100 s over a path (client and server)"
  git -C client for-each-ref --format='delete %(refname)' refs/tags | git -C client update-ref --stdin
}
measure 2000
first=$http
measure 4000
[ "$http" -gt $((first * 3)) ]
