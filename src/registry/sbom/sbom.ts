// The bill of materials of a version, in either of the formats that there are.
import { randomUUID } from "node:crypto";
import type { ModuleVersionName } from "../../gomod/module-graph.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { compositionOf } from "./composition.ts";

export const SBOM_FORMATS = ["cyclonedx", "spdx"] as const;
export type SbomFormat = (typeof SBOM_FORMATS)[number];

/** The media types of the formats (IANA). */
export const SBOM_TYPES: Readonly<Record<SbomFormat, string>> = {
  cyclonedx: "application/vnd.cyclonedx+json; version=1.6",
  spdx: "application/spdx+json",
};

/** The bill of materials of a version that the principal may read, as JSON. Throws not-found, too-large. */
export async function sbomOf(
  registry: Registry,
  principal: Principal,
  name: ModuleVersionName,
  { format, base }: { readonly format: SbomFormat; readonly base: string },
): Promise<string> {
  const composition = await compositionOf(registry, principal, name);
  const origin = { base, id: randomUUID(), at: new Date(registry.policies.now()) };
  // The library takes 50 ms to load.
  if (format === "cyclonedx") return (await import("./cyclonedx.ts")).cycloneDx(composition, origin);
  return (await import("./spdx.ts")).spdx(composition, origin);
}
