// The licences of the SPDX List, ready to be recognised: five megabytes of texts, which become an index of two when somebody
// first needs it. While it is made everything else goes on.
import { everybodysTurn } from "../../concurrency/turns.ts";
import { createLicenseMatcher, type LicenseMatcher } from "../../gomod/license.ts";

let matcher: Promise<LicenseMatcher> | undefined;

export function licenseMatcher(): Promise<LicenseMatcher> {
  matcher ??= make();
  return matcher;
}

async function make(): Promise<LicenseMatcher> {
  const { default: list } = await import("spdx-license-list/full.js");
  const licenses = Object.entries(list).map(([spdxId, { licenseText: text, osiApproved }]) => ({
    ...{ spdxId, text, osiApproved },
  }));
  return createLicenseMatcher(licenses, everybodysTurn);
}
