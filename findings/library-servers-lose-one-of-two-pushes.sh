#!/bin/sh
# The git servers of dulwich 1.2.21 and go-git v5.19.3 tell both of two pushes to a branch at the same time that they succeeded, and
# have one of the two commits. A push says from which object id to which it moves a ref, so that a server can refuse the one
# that comes late, as git's receive-pack does: "remote rejected (failed to update ref)".
#  - dulwich keeps the first and says ok to the second, which is nowhere on the server. It moves a ref by comparison
#    (RefsContainer.set_if_equals), which answers with False; ReceivePackHandler looks for exceptions alone. With --atomic too.
#  - go-git keeps the second, and the first is gone from the branch, though nobody pushed with --force: it looks whether the
#    ref exists and sets it (plumbing/transport/server), whatever the old object id was.
# The race is arranged by the hook pre-push of the client that comes late, which git runs after it has read the server's refs.
# Exits 0 while that is so, and 1 when one of the two refuses the late push.
set -eu
directory=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; chmod -R u+w "$directory"; rm -rf "$directory"' EXIT
cd "$directory"
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
git version
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check dulwich==1.2.21
cat >serve.py <<'PY'
from wsgiref.simple_server import make_server
from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import WSGIRequestHandlerLogger, WSGIServerLogger, make_wsgi_chain
application = make_wsgi_chain(DictBackend({"/repository.git": Repo("served-by-dulwich.git")}))
server = make_server("127.0.0.1", 0, application, handler_class=WSGIRequestHandlerLogger, server_class=WSGIServerLogger)
print(server.server_address[1], flush=True)
server.serve_forever()
PY
mkdir go
cat >go/main.go <<'GO'
package main

import (
	"os"

	"github.com/go-git/go-git/v5/plumbing/transport/file"
)

func main() {
	if err := file.ServeReceivePack(os.Args[1]); err != nil {
		panic(err)
	}
}
GO
printf 'module example.com/receive\n\ngo 1.24\n' >go/go.mod
export GOWORK=off GOFLAGS=-mod=mod
(cd go && go get github.com/go-git/go-git/v5@v5.19.3 2>/dev/null && go build -o ../receive-pack-by-go-git .)
git init --quiet --initial-branch=main base
git -C base commit --quiet --allow-empty --message=base
for name in git dulwich go-git; do git clone --quiet --bare base "served-by-$name.git"; done
mkfifo port
python/bin/python serve.py >port 2>log &
server=$!
read -r port <port
race() { # $1: name, $2: URL, $3: what receives, $4: an option of the late push
  git clone --quiet "$2" "$1-early"
  git clone --quiet "$2" "$1-late"
  for client in early late; do
    git -C "$1-$client" commit --quiet --allow-empty --message=$client
    git -C "$1-$client" config remote.origin.receivepack "$3"
  done
  printf '#!/bin/sh\nenv -u GIT_DIR git -C ../%s-early push --quiet origin main && echo "  early: pushed"\n' "$1" >"$1-late/.git/hooks/pre-push"
  chmod +x "$1-late/.git/hooks/pre-push"
  echo "$1:"
  ended=0
  git -C "$1-late" push ${4:+"$4"} origin main >said 2>&1 || ended=$?
  sed "s|$directory/||" said
  [ $ended != 0 ] || echo "  late: pushed"
  git clone --quiet --bare "$2" "$1-after"
  echo "  the server has: $(git -C "$1-after" log --format=%s main | xargs)"
}
{
  race git "$directory/served-by-git.git" git-receive-pack
  race dulwich "http://127.0.0.1:$port/repository.git" git-receive-pack
  race dulwich-atomic "http://127.0.0.1:$port/repository.git" git-receive-pack --atomic
  race go-git "$directory/served-by-go-git.git" "$directory/receive-pack-by-go-git"
} | tee seen
grep -E '^[^ ]*:$|^  (early|late|the server)' seen >short
diff short - <<'END'
git:
  early: pushed
  the server has: early base
dulwich:
  early: pushed
  late: pushed
  the server has: early base
dulwich-atomic:
  early: pushed
  late: pushed
  the server has: early early base
go-git:
  early: pushed
  late: pushed
  the server has: late base
END
