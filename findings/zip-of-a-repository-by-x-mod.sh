#!/usr/bin/env bash
# golang.org/x/mod/zip.CreateFromVCS does not make the zip that the go command makes of the same commit.
#
# Seen with x/mod v0.43.0 beside go1.26.8: CreateFromVCS lets .gitattributes of the commit say export-ignore (the file is left
# out) and export-subst ($Format:…$ is replaced); the go command switches both off. Both zips are valid, and their h1: sums
# differ. A tool that publishes modules by this function makes sums that `go mod download` in direct mode contradicts.
set -euo pipefail
work=$(mktemp -d); trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT; cd "$work"
export GIT_CONFIG_GLOBAL=$work/gitconfig GIT_CONFIG_NOSYSTEM=1 GOFLAGS=-mod=mod GOWORK=off

# A repository that the go command sees as https://example.com/git/repo.git, without any network.
printf '[user]\n name = a\n email = a@example.com\n[init]\n defaultBranch = main\n' > gitconfig
git init -q repo && cd repo
printf 'module example.com/git/repo.git\n\ngo 1.24\n' > go.mod
printf 'package repo\n' > repo.go
mkdir docs && printf 'read me\n' > docs/guide.md && printf 'made from $Format:%%H$\n' > version.txt
printf 'docs export-ignore\nversion.txt export-subst\n' > .gitattributes
git add -A && git commit -qm first && git tag v1.0.0 && cd .. && mkdir served && git clone -q --bare repo served/repo.git
printf '[url "file://%s/served/"]\n insteadOf = https://example.com/git/\n' "$work" >> gitconfig

mkdir tool && cat > tool/main.go <<'GO'
package main

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"
)

func main() {
	m := module.Version{Path: "example.com/git/repo.git", Version: "v1.0.0"}
	if os.Args[1] == "make" {
		f, err := os.Create(os.Args[2])
		if err == nil {
			err = modzip.CreateFromVCS(f, m, "repo", m.Version, "")
		}
		if err != nil {
			panic(err)
		}
		f.Close()
	}
	checked, err := modzip.CheckZip(m, os.Args[2])
	if err != nil {
		panic(err)
	}
	h1, _ := dirhash.HashZip(os.Args[2], dirhash.Hash1)
	r, _ := zip.OpenReader(os.Args[2])
	substituted := false
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, "version.txt") {
			c, _ := f.Open()
			text, _ := io.ReadAll(c)
			substituted = !strings.Contains(string(text), "$Format")
		}
	}
	fmt.Fprintln(os.Stderr, h1)
	fmt.Printf("%d valid files, substituted: %v\n", len(checked.Valid), substituted)
}
GO
(cd tool && printf 'module example.com/tool\n\ngo 1.24\n' > go.mod && go get golang.org/x/mod@v0.43.0 2>/dev/null && go build -o ../zips .)

GOMODCACHE=$work/cache GOFLAGS=-modcacherw GOPROXY=direct GOSUMDB=off GOTOOLCHAIN=local go mod download example.com/git/repo.git@v1.0.0
ours=$(./zips make made.zip); theirs=$(./zips look cache/cache/download/example.com/git/repo.git/@v/v1.0.0.zip)
echo "CreateFromVCS: $ours"; echo "go command:    $theirs ($(go env GOVERSION))"
[ "$ours" = "4 valid files, substituted: true" ] && [ "$theirs" = "5 valid files, substituted: false" ] || { echo "this has changed"; exit 1; }
