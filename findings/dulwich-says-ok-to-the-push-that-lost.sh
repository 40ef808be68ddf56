#!/bin/sh
# dulwich 1.2.21 as a server: of two pushes to a branch at the same time the second is told that it succeeded, and is not there. The
# client updates its remote-tracking branch and ends with 0; nobody has the commit but the one who pushed it. One expects what
# git's receive-pack says, "failed to update ref" or "incorrect old value provided", since a push says from which object id to
# which it moves a ref, and dulwich moves it with a comparison (RefsContainer.set_if_equals). But that function answers with
# False, and ReceivePackHandler looks for exceptions alone; with --atomic too.
# The race is arranged by the hook pre-push of the first client, which git runs after it has read the server's refs.
# Exits 0 while the lost push is a success to its client, and 1 when it fails.
set -eu
directory=$(mktemp -d)
servers=
trap 'for server in $servers; do kill "$server"; done; rm -rf "$directory"' EXIT
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
git init --quiet --initial-branch=main base
git -C base commit --quiet --allow-empty --message=base
git clone --quiet --bare base served-by-dulwich.git
git clone --quiet --bare base served-by-git.git
mkfifo port
python/bin/python serve.py >port 2>log &
servers="$servers $!"
read -r port <port
race() { # $1: name, $2: URL, $3: option of the push that loses
  git clone --quiet "$2" "$1-first"
  git clone --quiet "$2" "$1-second"
  git -C "$1-second" commit --quiet --allow-empty --message=second
  git -C "$1-first" commit --quiet --allow-empty --message=first
  printf '#!/bin/sh\nenv -u GIT_DIR git -C ../%s-second push --quiet origin main\n' "$1" >"$1-first/.git/hooks/pre-push"
  chmod +x "$1-first/.git/hooks/pre-push"
  ended=0
  git -C "$1-first" push ${3:+"$3"} origin main 2>"$1.said" || ended=$?
  sed "s/^/  /;s|$directory/||" "$1.said"
  echo "$1: the first client ends with $ended, and the server has $(git ls-remote "$2" main | cut -f1 | xargs git -C "$1-second" log -1 --format=%s)"
}
{
  race git "$directory/served-by-git.git"
  race dulwich "http://127.0.0.1:$port/repository.git"
  race dulwich-atomic "http://127.0.0.1:$port/repository.git" --atomic
} | tee seen
grep -q '^git: the first client ends with 1, and the server has second$' seen
grep -q '^dulwich: the first client ends with 0, and the server has second$' seen
grep -q '^dulwich-atomic: the first client ends with 0, and the server has second$' seen
