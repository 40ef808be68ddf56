#!/usr/bin/env bash
# isomorphic-git and go-git create the branch feature/x beside the branch feature, and after that nobody can clone the repository.
#
# Seen with isomorphic-git 1.44.19 (git.branch) and go-git v5.19.3 (Storer.SetReference) beside git 2.39.5 and pygit2 1.21.0. A ref
# is a file or a line of packed-refs, and of two names one of which is a directory of the other git has one ("cannot lock ref …:
# 'refs/heads/feature' exists"). Both libraries leave it to the file system to say so, which it does as long as feature is a
# file. As soon as `git gc` or a clone has packed the refs, feature is a line, and the new file is written without an error.
# `git fsck` finds nothing, and all refs are listed; but a clone ends with "cannot process 'refs/remotes/origin/feature' and
# 'refs/remotes/origin/feature/x' at the same time". git and libgit2 refuse the second branch in both forms.
set -euo pipefail
work=$(mktemp -d); trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT; cd "$work"
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
git version
npm install --silent --no-save --no-audit --no-fund isomorphic-git@1.44.19 >/dev/null 2>&1
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check pygit2==1.21.0
mkdir go && cat > go/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
)

func main() {
	repository, err := git.PlainOpen(os.Args[1])
	if err == nil {
		var head *plumbing.Reference
		if head, err = repository.Head(); err == nil {
			err = repository.Storer.SetReference(plumbing.NewHashReference("refs/heads/feature/x", head.Hash()))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
GO
(cd go && printf 'module example.com/branch\n\ngo 1.24\n' > go.mod &&
  GOWORK=off GOFLAGS=-mod=mod go get github.com/go-git/go-git/v5@v5.19.3 2>/dev/null && GOWORK=off GOFLAGS=-mod=mod go build -o ../by-go-git .)
cat > by-isomorphic-git.mjs <<'JS'
import fs from "node:fs";
import git from "isomorphic-git";
await git.branch({ fs, dir: process.argv[2], ref: "feature/x" });
JS
cat > by-pygit2.py <<'PY'
import sys, pygit2
repository = pygit2.Repository(sys.argv[1])
repository.branches.create("feature/x", repository.head.peel(pygit2.Commit))
PY
git init --quiet --initial-branch=main base
git -C base commit --quiet --allow-empty --message=one
git -C base branch feature
try() { # $1: name, then the command that creates the branch in the repository whose path is added
  local name=$1 line=$1; shift
  for form in loose packed; do
    cp -R base "$name-$form"
    [ "$form" = loose ] || git -C "$name-$form" pack-refs --all
    if "$@" "$name-$form" 2>/dev/null; then line+=" $form:created"; else line+=" $form:refused"; fi
    git -C "$name-$form" fsck --full --strict >/dev/null 2>&1 && line+=",fsck" || line+=",broken"
    git clone --quiet "$name-$form" "$name-$form-clone" 2>"$name-$form.said" && line+=",clone" || line+=",no-clone"
  done
  echo "$line"
}
by_git() { git -C "$1" branch --quiet feature/x; }
seen=$(try git by_git; try pygit2 python/bin/python by-pygit2.py; try isomorphic-git node by-isomorphic-git.mjs; try go-git ./by-go-git)
echo "$seen"
cat ./*.said
[ "$seen" = 'git loose:refused,fsck,clone packed:refused,fsck,clone
pygit2 loose:refused,fsck,clone packed:refused,fsck,clone
isomorphic-git loose:refused,fsck,clone packed:created,fsck,no-clone
go-git loose:refused,fsck,clone packed:created,fsck,no-clone' ] || { echo "this has changed"; exit 1; }
