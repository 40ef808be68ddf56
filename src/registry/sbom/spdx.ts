// A composition as SPDX 2.3, JSON (spdx.github.io/spdx-spec/v2.3): packages with package URLs, sums and declared licences, what
// depends on what, and each known vulnerability as an advisory beside the package that has it.
import { PRODUCT_VERSION } from "../../config.ts";
import { NO_LICENSE, UNKNOWN_LICENSE } from "../modules/version-licenses.ts";
import type { Component, Composition } from "./composition.ts";
import type { SbomOrigin } from "./origin.ts";
import { packageUrl } from "./package-url.ts";

const DOCUMENT = "SPDXRef-DOCUMENT";

/** The bill of materials of a version, as JSON. */
export function spdx(composition: Composition, { base, id, at }: SbomOrigin): string {
  const { main, components, requires, vulnerabilities, databaseCheckedAt, missing } = composition;
  const all = [main, ...components];
  const idOf = new Map(all.map((one, n) => [nameIn(one), `SPDXRef-Package-${n}`]));
  const advisories = Map.groupBy(vulnerabilities, ({ modulePath: path, version }) => nameIn({ path, version }));
  const relationships = [
    { spdxElementId: DOCUMENT, relationshipType: "DESCRIBES", relatedSpdxElement: idOf.get(nameIn(main)) },
    ...[...requires].flatMap(([by, required]) =>
      required.map((one) => ({
        spdxElementId: idOf.get(by),
        relationshipType: "DEPENDS_ON",
        relatedSpdxElement: idOf.get(one),
      })),
    ),
  ];
  const looked = databaseCheckedAt ? `looked at ${databaseCheckedAt.toISOString()}` : "never looked at";
  const lacking = missing.length === 0 ? "" : `; the list may lack what these require: ${missing.join(" ")}`;
  return JSON.stringify(
    {
      ...{ spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: DOCUMENT, name: nameIn(main) },
      documentNamespace: `${base}/-/spdx/${encodeURIComponent(nameIn(main))}/${id}`,
      creationInfo: {
        created: `${at.toISOString().slice(0, 19)}Z`,
        creators: [`Tool: gokura-${PRODUCT_VERSION}`],
        comment: `vulnerability database: ${looked}${lacking}`,
      },
      documentDescribes: [idOf.get(nameIn(main))],
      packages: all.map((one) => ({
        SPDXID: idOf.get(nameIn(one)),
        ...packageOf(one),
        externalRefs: [
          { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: packageUrl(one) },
          ...(advisories.get(nameIn(one)) ?? []).map((known) => ({
            ...{ referenceCategory: "SECURITY", referenceType: "advisory" },
            referenceLocator: `${base}/vulndb/ID/${known.id}.json`,
            comment: known.fixedIn === undefined ? known.summary : `${known.summary} (fixed in ${known.fixedIn})`,
          })),
        ],
      })),
      relationships,
    },
    null,
    2,
  );
}

const nameIn = ({ path, version }: Pick<Component, "path" | "version">): string => `${path}@${version}`;

function packageOf({ path, version, licenses, sums, replaces }: Component): object {
  return {
    name: path,
    ...(version === "" ? {} : { versionInfo: version }),
    ...{ downloadLocation: "NOASSERTION", filesAnalyzed: false, copyrightText: "NOASSERTION" },
    ...{ licenseConcluded: "NOASSERTION", licenseDeclared: declared(licenses) },
    ...(licenses?.includes(UNKNOWN_LICENSE) ? { licenseComments: `found in its files: ${licenses.join(", ")}` } : {}),
    ...(sums
      ? { checksums: [{ algorithm: "SHA256", checksumValue: sums.sha256 }], comment: `go.sum has ${sums.h1}` }
      : {}),
    ...(replaces === undefined ? {} : { sourceInfo: `in place of ${replaces} (replace in go.mod)` }),
    primaryPackagePurpose: "LIBRARY",
  };
}

/** Several licences are all of them meant; one that is not recognised leaves no expression to be made. */
function declared(licenses: readonly string[] | undefined): string {
  if (licenses === undefined || licenses.includes(UNKNOWN_LICENSE)) return "NOASSERTION";
  return licenses[0] === NO_LICENSE ? "NONE" : licenses.join(" AND ");
}
