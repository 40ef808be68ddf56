// A composition as CycloneDX 1.6, JSON (cyclonedx.org/specification): components with package URLs, sums and licences, what
// requires what, and known vulnerabilities. Properties of the metadata say when these were looked at, and what the list may lack.
import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import { PRODUCT_VERSION } from "../../config.ts";
import type { KnownVulnerability } from "../advisories/vulnerabilities.ts";
import { NO_LICENSE, UNKNOWN_LICENSE } from "../modules/version-licenses.ts";
import type { Component, Composition } from "./composition.ts";
import type { SbomOrigin } from "./origin.ts";
import { packageUrl } from "./package-url.ts";

/** The bill of materials of a version, as JSON. */
export function cycloneDx(composition: Composition, { base, id, at }: SbomOrigin): string {
  const { main, components, requires, vulnerabilities, databaseCheckedAt, missing } = composition;
  const bom = new Models.Bom({ serialNumber: `urn:uuid:${id}` });
  const refs = new Map<string, Models.Component>();
  const made = (component: Component): Models.Component => {
    const one = componentOf(component);
    refs.set(nameIn(component), one);
    return one;
  };
  bom.metadata.timestamp = at;
  bom.metadata.tools.components.add(
    new Models.Component(Enums.ComponentType.Application, "gokura", { version: PRODUCT_VERSION }),
  );
  bom.metadata.component = made(main);
  for (const component of components) bom.components.add(made(component));
  for (const [by, required] of requires)
    for (const one of required) refs.get(by)?.dependencies.add(refs.get(one)!.bomRef);
  for (const one of Map.groupBy(vulnerabilities, ({ id }) => id).values())
    bom.vulnerabilities.add(vulnerabilityOf(one, refs, base));
  for (const [name, value] of Object.entries({
    "gokura:vulnerabilities:checkedAt": databaseCheckedAt?.toISOString() ?? "never",
    "gokura:buildList:missing": missing.length === 0 ? undefined : missing.join(" "),
  }))
    if (value !== undefined) bom.metadata.properties.add(new Models.Property(name, value));
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return serializer.serialize(bom, { sortLists: false, space: 2 });
}

const nameIn = ({ path, version }: Pick<Component, "path" | "version">): string => `${path}@${version}`;

function componentOf(component: Component): Models.Component {
  const { path, version, licenses = [], sums, replaces } = component;
  const one = new Models.Component(Enums.ComponentType.Library, path, {
    ...{ bomRef: packageUrl(component), purl: packageUrl(component) },
    ...(version === "" ? {} : { version }),
  });
  if (sums) one.hashes.set(Enums.HashAlgorithm["SHA-256"], sums.sha256);
  for (const license of licenses)
    if (license === UNKNOWN_LICENSE) one.licenses.add(new Models.NamedLicense("a licence that is not recognised"));
    else if (license !== NO_LICENSE) one.licenses.add(new Models.SpdxLicense(license));
  for (const [name, value] of Object.entries({ "gokura:h1": sums?.h1, "gokura:replaces": replaces }))
    if (value !== undefined) one.properties.add(new Models.Property(name, value));
  return one;
}

function vulnerabilityOf(
  known: readonly KnownVulnerability[],
  refs: ReadonlyMap<string, Models.Component>,
  base: string,
): Models.Vulnerability.Vulnerability {
  const { id, summary, aliases, fixedIn } = known[0]!;
  const url = `${base}/vulndb/ID/${id}.json`;
  const one = new Models.Vulnerability.Vulnerability({
    ...{ id, bomRef: id, description: summary },
    source: new Models.Vulnerability.Source({ name: "Go vulnerability database", url }),
    ...(fixedIn === undefined ? {} : { recommendation: `upgrade to ${fixedIn} or later` }),
  });
  for (const alias of aliases)
    one.references.add(
      new Models.Vulnerability.Reference(alias, new Models.Vulnerability.Source({ name: alias.split("-", 1)[0]! })),
    );
  for (const { modulePath: path, version } of known)
    one.affects.add(
      new Models.Vulnerability.Affect(refs.get(nameIn({ path, version }))!.bomRef, {
        versions: new Models.Vulnerability.AffectedVersionRepository([
          new Models.Vulnerability.AffectedSingleVersion(version, {
            status: Enums.Vulnerability.AffectStatus.Affected,
          }),
        ]),
      }),
    );
  return one;
}
