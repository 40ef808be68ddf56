#!/usr/bin/env bash
# The Python tools of SPDX refuse valid documents of private registries: an address or a name without a dot is no URL to them.
#
# Seen with spdx-tools 0.8.5 (Python 3.11): a package of SPDX 2.3 has an external reference of the category SECURITY and the type
# advisory, whose locator is a URL (spec F.2.3). http://127.0.0.1:8080/…, http://[::1]/… and http://registry/… are "must be a
# valid URL", and the whole document is invalid; its pattern wants a name with a dot and two to five letters behind it, and no more of
# the text has to match, so that https://a.internal passes as "a.inter". The same pattern judges downloadLocation. Whoever
# tests an SBOM on loopback, or names a registry by its address, gets documents that these tools do not take.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check spdx-tools==0.8.5
document() {
  cat > sbom.spdx.json <<JSON
{"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "n",
 "documentNamespace": "https://example.com/n-1",
 "creationInfo": {"created": "2026-11-29T00:00:00Z", "creators": ["Tool: t"]},
 "packages": [{"SPDXID": "SPDXRef-P", "name": "p", "downloadLocation": "NOASSERTION", "filesAnalyzed": false,
   "externalRefs": [{"referenceCategory": "SECURITY", "referenceType": "advisory", "referenceLocator": "$1"}]}],
 "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-P"}]}
JSON
}
seen=
for url in https://a.example/1 https://a.internal/1 http://127.0.0.1:8080/1 http://[::1]:8080/1 http://registry/1 http://localhost:8080/1; do
  document "$url"
  if env/bin/pyspdxtools --infile sbom.spdx.json >out 2>&1; then verdict=valid; else verdict="refused: $(grep -o 'must be a valid URL' out | head -1)"; fi
  seen+="$url $verdict"$'\n'
done
env/bin/pip list 2>/dev/null | grep -i '^spdx-tools'; printf '%s' "$seen"
[ "$seen" = 'https://a.example/1 valid
https://a.internal/1 valid
http://127.0.0.1:8080/1 refused: must be a valid URL
http://[::1]:8080/1 refused: must be a valid URL
http://registry/1 refused: must be a valid URL
http://localhost:8080/1 refused: must be a valid URL
' ] || { echo "this has changed"; exit 1; }
