#!/bin/sh
# git 2.39.5: `git push --atomic` is not atomic when the server refuses a ref because it is hidden (receive.hideRefs,
# transfer.hideRefs, as every forge has it for refs/pull and refs/merge-requests). One expects that either all refs move or
# none (git-push(1), --atomic). receive-pack leaves a command that already has an error out of the transaction, so the hidden
# ref is refused with "deny updating a hidden ref", the client ends with 1, and the branch beside it has moved.
# Contrast: a ref that is refused by the update hook makes the whole atomic push fail.
# Exits 0 while that is so, and 1 when the branch does not move any more.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
git version
git init --quiet client
git -C client commit --quiet --allow-empty --message=one

git init --quiet --bare hiding
git -C hiding config receive.hideRefs refs/pull
echo "--- a hidden ref and a branch, --atomic"
git -C client push --atomic ../hiding HEAD:refs/pull/1/head HEAD:refs/heads/main && exit 1
hidden=$(git -C hiding for-each-ref --format='%(refname)')
echo "refs on the server: ${hidden:-none}"

git init --quiet --bare hooked
mkdir -p hooked/hooks
printf '#!/bin/sh\ncase $1 in refs/pull/*) exit 1;; esac\n' >hooked/hooks/update
chmod +x hooked/hooks/update
echo "--- the same, refused by the update hook"
git -C client push --atomic ../hooked HEAD:refs/pull/1/head HEAD:refs/heads/main && exit 1
refused=$(git -C hooked for-each-ref --format='%(refname)')
echo "refs on the server: ${refused:-none}"

[ "$hidden" = refs/heads/main ] && [ -z "$refused" ]
