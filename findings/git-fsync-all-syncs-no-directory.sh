#!/bin/sh
# git 2.39.5: with core.fsync=all, "all of the supported components" (git-config(1)), a push is written through to the disk but for
# its names. The pack, its index and each ref are synced as temporary files, then linked or renamed, and no directory is ever
# synced; on Linux a name is on the disk only once its directory is (fsync(2), NOTES). So after a power cut an acknowledged push
# may lack its pack and its refs, unless the file system happens to write names in the order of their making. A server that
# promises more has to sync objects/pack, the directories of the refs and that of packed-refs itself.
# Contrast: libgit2 (pygit2 1.18.2), told to sync by core.fsyncObjectFiles, syncs the directory of a ref after it has renamed it.
# Needs strace. Exits 0 while that is so, and 1 when git syncs a directory.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL="$directory/config" GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
git version
git config --global core.fsync all
git config --global receive.unpackLimit 1
git init --quiet client
git -C client commit --quiet --allow-empty --message=one
git -C client tag v1.0.0
git init --quiet --bare server

calls=fsync,fdatasync,syncfs,sync_file_range,rename,renameat2,link,linkat
echo "--- a push, core.fsync=all"
strace -f -y -qq -e trace=$calls -e signal=none -o pushed \
  git -C client push --quiet ../server HEAD:refs/heads/main v1.0.0
sed "s#$directory/##g; s/^[0-9]* *//" pushed

python3 -m venv --system-site-packages venv
venv/bin/pip install --quiet --disable-pip-version-check pygit2==1.18.2
git -C server config core.fsyncObjectFiles true
echo "--- a ref by libgit2, core.fsyncObjectFiles=true"
strace -f -y -qq -e trace=$calls -e signal=none -o made venv/bin/python -c '
import pygit2
repository = pygit2.Repository("server")
repository.references.create("refs/heads/other", repository.references["refs/heads/main"].target)'
sed "s#$directory/##g; s/^[0-9]* *//" made

# What -y shows of a synced descriptor is the path of a file or of a directory.
directories() {
  sed -n 's/.*\(fsync\|fdatasync\)([0-9]*<\([^>]*\)>.*/\2/p' "$1" | while read -r path; do
    if [ -d "$path" ]; then echo "$path"; fi
  done
}
files=$(grep -c 'fsync(' pushed)
echo "synced by the push: $files files, directories: $(directories pushed | grep -c . || true)"
echo "directories synced by libgit2: $(directories made | sed "s#$directory/##")"
[ "$files" -gt 0 ] && [ -z "$(directories pushed)" ] && directories made | grep -q 'server/refs/heads$'
