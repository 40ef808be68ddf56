#!/usr/bin/env bash
# Package URLs (purl) of Go modules, by the libraries of three languages.
#
# Seen with packageurl-go 0.1.7, packageurl-js 2.0.1 and packageurl-python 0.17.6:
#  1. packageurl-go writes pkg:golang/github.com/BurntSushi/toml@v1.3.2 and reads that very text back as
#     github.com/burntsushi/toml, which is another module to the go command: module paths are case-sensitive. The libraries
#     for JavaScript and Python keep the case.
#  2. v68.0.0+incompatible is written with a bare + by JavaScript, and with %2B by Go and Python, so that equal modules have
#     unequal purls. All three read both.
# Who compares purls out of SBOMs must parse them, and must not parse them with packageurl-go if case matters.
set -euo pipefail
work=$(mktemp -d); trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT; cd "$work"

npm install --silent --no-save packageurl-js@2.0.1 >/dev/null 2>&1
cat > purl.mjs <<'JS'
import { PackageURL } from "packageurl-js";
for (const [namespace, name, version] of [["github.com/BurntSushi", "toml", "v1.3.2"], ["github.com/Azure", "azure-sdk-for-go", "v68.0.0+incompatible"]]) {
  const text = new PackageURL("golang", namespace, name, version).toString();
  const read = PackageURL.fromString(text);
  console.log(`js ${text} ${read.namespace}/${read.name} ${read.version}`);
}
JS
python3 -m venv python && python/bin/pip -q install packageurl-python==0.17.6 2>/dev/null
cat > purl.py <<'PY'
from packageurl import PackageURL
for namespace, name, version in [("github.com/BurntSushi", "toml", "v1.3.2"), ("github.com/Azure", "azure-sdk-for-go", "v68.0.0+incompatible")]:
    text = PackageURL("golang", namespace, name, version).to_string()
    read = PackageURL.from_string(text)
    print("python", text, f"{read.namespace}/{read.name}", read.version)
PY
mkdir go && cat > go/main.go <<'GO'
package main

import (
	"fmt"

	purl "github.com/package-url/packageurl-go"
)

func main() {
	for _, m := range [][3]string{{"github.com/BurntSushi", "toml", "v1.3.2"}, {"github.com/Azure", "azure-sdk-for-go", "v68.0.0+incompatible"}} {
		text := purl.NewPackageURL("golang", m[0], m[1], m[2], nil, "").ToString()
		read, err := purl.FromString(text)
		if err != nil {
			panic(err)
		}
		fmt.Println("go", text, read.Namespace+"/"+read.Name, read.Version)
	}
}
GO
(cd go && printf 'module example.com/purl\n\ngo 1.24\n' > go.mod &&
  GOFLAGS=-mod=mod go get github.com/package-url/packageurl-go@v0.1.7 2>/dev/null && GOFLAGS=-mod=mod go build -o ../purl-go .)

seen=$(node purl.mjs; python/bin/python purl.py; ./purl-go)
expected='js pkg:golang/github.com/BurntSushi/toml@v1.3.2 github.com/BurntSushi/toml v1.3.2
js pkg:golang/github.com/Azure/azure-sdk-for-go@v68.0.0+incompatible github.com/Azure/azure-sdk-for-go v68.0.0+incompatible
python pkg:golang/github.com/BurntSushi/toml@v1.3.2 github.com/BurntSushi/toml v1.3.2
python pkg:golang/github.com/Azure/azure-sdk-for-go@v68.0.0%2Bincompatible github.com/Azure/azure-sdk-for-go v68.0.0+incompatible
go pkg:golang/github.com/BurntSushi/toml@v1.3.2 github.com/burntsushi/toml v1.3.2
go pkg:golang/github.com/Azure/azure-sdk-for-go@v68.0.0%2Bincompatible github.com/azure/azure-sdk-for-go v68.0.0+incompatible'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed; it was:"; echo "$expected"; exit 1; }
