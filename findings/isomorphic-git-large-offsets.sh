#!/bin/sh
# isomorphic-git 1.44.19 says of a whole repository that "the packfile may be corrupted" when the index of a pack (.idx, version 2)
# has its table of 64-bit offsets. git writes that table as soon as a pack is larger than 2 GiB, and says how to see it with
# a small one: `git index-pack --index-version=2,0x40` puts all offsets from 0x40 on there (git-index-pack(1)). The library
# takes the first eight bytes after the 32-bit offsets, which are such offsets, for the checksum of the pack, and compares
# it with the pack's end. It means to say "I haven't implemented the layer 5 feature needed to support packfiles > 2GB in
# size", but asks for that the length of the index, which is 2 GiB when the pack has some 70 million objects.
# Contrast: the same pack with an index of 32-bit offsets; `git fsck` and dulwich 1.2.21 read both.
# Exits 0 while that is so, and 1 when both are read, or the error names the reason.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund isomorphic-git@1.44.19
python3 -m venv python && python/bin/pip install --quiet --disable-pip-version-check dulwich==1.2.21
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.com
git version
git init --quiet small
printf 'module example.com/m\n' >small/go.mod
git -C small add go.mod && git -C small commit --quiet --message=one && git -C small repack -a -d --quiet
cp -R small large
cd large/.git/objects/pack
rm -f ./*.rev ./*.idx # the index is made anew; nothing else of the repository is touched
git index-pack --index-version=2,0x40 ./*.pack >/dev/null
cd ../../../..
cat >log.mjs <<'END'
import fs from "node:fs";
import git from "isomorphic-git";
const log = async (dir) => (await git.log({ fs, dir })).map((entry) => entry.commit.message.trim()).join();
console.log("small, isomorphic-git:", await log("small"));
console.log("large, isomorphic-git:", await log("large").catch((error) => /[^:]*: (Packfile.*)$/.exec(error.message)?.[1] ?? error.message));
END
cat >log.py <<'END'
from dulwich.repo import Repo
for name in ("small", "large"):
    print(name + ", dulwich:", ",".join(e.commit.message.decode().strip() for e in Repo(name).get_walker()))
END
for name in small large; do git -C "$name" fsck --full --strict && echo "$name, git: $(git -C "$name" log --format=%s)"; done
python/bin/python log.py
node log.mjs | tee seen
grep -q '^small, isomorphic-git: one$' seen && grep -q '^large, isomorphic-git: Packfile trailer mismatch' seen
