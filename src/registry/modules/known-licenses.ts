// The licences of the SPDX List, ready to be recognised: five megabytes of texts, which become an index of two when somebody
// first needs it. While it is made everything else goes on, and it is kept for the next process (kept-licenses.ts).
import { onDemand } from "../../concurrency/on-demand.ts";
import { everybodysTurn } from "../../concurrency/turns.ts";
import {
  createLicenseMatcher,
  type LicenseMatcher,
  type PreparedLicenses,
  prepareLicenses,
} from "../../gomod/license.ts";
import { keepLicenses, keptLicenses } from "./kept-licenses.ts";

const matcher = onDemand(async () => createLicenseMatcher((await keptLicenses()) ?? (await prepare())));
const identifiers = onDemand(
  async (): Promise<ReadonlyMap<string, string>> =>
    new Map([...(await import("spdx-license-list/simple.js")).default].map((id) => [id.toLowerCase(), id])),
);

export const licenseMatcher = (): Promise<LicenseMatcher> => matcher.get();

async function prepare(): Promise<PreparedLicenses> {
  const { default: list } = await import("spdx-license-list/full.js");
  const licenses = Object.entries(list).map(([spdxId, { licenseText: text, osiApproved }]) => ({
    ...{ spdxId, text, osiApproved },
  }));
  const prepared = await prepareLicenses(licenses, everybodysTurn);
  await keepLicenses(prepared);
  return prepared;
}

/**
 * An identifier of the SPDX License List as licences are told here, whatever its case; undefined for what is none. Of
 * GPL-3.0, GPL-3.0-only and GPL-3.0-or-later it is the first, because which of them an author means no text can say.
 */
export async function knownLicense(identifier: string): Promise<string | undefined> {
  const known = await identifiers.get();
  const asked = identifier.toLowerCase();
  return known.get(asked.replace(/(?:\+|-only|-or-later)$/, "")) ?? known.get(asked);
}
