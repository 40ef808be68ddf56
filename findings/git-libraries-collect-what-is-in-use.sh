#!/usr/bin/env bash
# The garbage collections of dulwich and go-git delete what is staged, what a linked worktree has checked out, and all stashes but
# the last. To them only refs keep an object.
#
# Seen with dulwich 1.2.21 (porcelain.gc with its defaults) and go-git v5.19.3 (Repository.RepackObjects with its defaults) beside
# git 2.39.5 (`git gc`), each in the same repository, whose objects are in one pack that is three weeks old. To git the index, the
# HEAD of each linked worktree and the reflogs, which hold the older stashes, are roots like refs (git-gc(1), "Notes").
# dulwich's find_reachable_objects has a parameter include_reflogs=True, and goes through the refs. go-git packs what refs
# reach and deletes the old packs, where one expects that repacking packs. Neither says a word, and `git commit` of what is staged
# fails afterwards.
set -euo pipefail
work=$(mktemp -d); trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT; cd "$work"
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
git version
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check dulwich==1.2.21
mkdir go && cat > go/main.go <<'GO'
package main

import (
	"os"

	"github.com/go-git/go-git/v5"
)

func main() {
	repository, err := git.PlainOpen(os.Args[1])
	if err == nil {
		err = repository.RepackObjects(&git.RepackConfig{})
	}
	if err != nil {
		panic(err)
	}
}
GO
(cd go && printf 'module example.com/repack\n\ngo 1.24\n' > go.mod &&
  GOWORK=off GOFLAGS=-mod=mod go get github.com/go-git/go-git/v5@v5.19.3 2>/dev/null && GOWORK=off GOFLAGS=-mod=mod go build -o ../repack .)

prepare() { # a repository $1 with its linked worktree $1-linked
  git init --quiet --initial-branch=main "$1"
  cd "$1"
  echo one > file && git add file && git commit --quiet --message=one
  echo left > left && git add left && git commit --quiet --message=left && git rev-parse HEAD > ../"$1".reflog
  git reset --quiet --hard HEAD~1
  for text in first second; do echo "$text" > file && git stash --quiet; done
  git rev-parse 'stash@{0}' > ../"$1".stash-0
  git rev-parse 'stash@{1}' > ../"$1".stash-1
  git worktree add --quiet --detach ../"$1"-linked
  git -C ../"$1"-linked commit --quiet --allow-empty --message=linked && git -C ../"$1"-linked rev-parse HEAD > ../"$1".worktree
  echo staged > staged && git add staged && git rev-parse :staged > ../"$1".index
  git repack -a -d --quiet
  find .git/objects -type f -exec touch --date='3 weeks ago' {} +
  cd ..
}
report() {
  local line=$1
  for root in index worktree stash-0 stash-1 reflog; do
    git -C "$1" cat-file -e "$(cat "$1.$root")" 2>/dev/null && line+=" $root:kept" || line+=" $root:gone"
  done
  git -C "$1" commit --quiet --message=staged >/dev/null 2>&1 && line+=" commit:works" || line+=" commit:fails"
  echo "$line"
}
for name in git dulwich go-git; do prepare "$name"; done
git -C git gc --quiet
python/bin/python -c 'from dulwich import porcelain; porcelain.gc("dulwich")'
./repack go-git
seen=$(for name in git dulwich go-git; do report "$name"; done)
echo "$seen"
[ "$seen" = 'git index:kept worktree:kept stash-0:kept stash-1:kept reflog:kept commit:works
dulwich index:gone worktree:gone stash-0:kept stash-1:gone reflog:gone commit:fails
go-git index:gone worktree:gone stash-0:kept stash-1:gone reflog:gone commit:fails' ] || { echo "this has changed"; exit 1; }
