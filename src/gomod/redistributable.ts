// Whether licences allow that a module is passed on, as Go's site decides it before it shows anything
// (golang.org/x/pkgsite, internal/licenses/licenses.go, Redistributable): every licence that was found is one of a list, and
// there is at least one. Here it is told and hides nothing: the code of a company has no such licence.

const ALLOWING: ReadonlySet<string> = new Set(
  `AFL-3.0 AGPL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 Artistic-2.0 BlueOak-1.0.0 0BSD BSD-1-Clause
  BSD-2-Clause BSD-2-Clause-Patent BSD-2-Clause-Views BSD-3-Clause BSD-3-Clause-Clear BSD-3-Clause-LBNL
  BSD-3-Clause-Open-MPI BSD-4-Clause BSD-4-Clause-UC BSL-1.0 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CECILL-2.1
  CC0-1.0 EPL-1.0 EPL-2.0 EUPL-1.1 EUPL-1.2 GPL-2.0 GPL-2.0-only GPL-2.0-or-later GPL-3.0 GPL-3.0-only GPL-3.0-or-later
  HPND ICU ISC JSON LGPL-2.1 LGPL-2.1-or-later LGPL-3.0 LGPL-3.0-or-later MIT MIT-0 MPL-2.0
  MPL-2.0-no-copyleft-exception MulanPSL-2.0 NIST-PD NIST-PD-fallback NCSA OpenSSL OSL-3.0 PostgreSQL Python-2.0
  Unlicense UPL-1.0 Zlib`.split(/\s+/),
);
/** Beside others: OFL-1.1 is about fonts, blessing is SQLite's. */
const NEUTRAL: ReadonlySet<string> = new Set(["OFL-1.1", "blessing"]);

/** Whether all of these, which are identifiers of the SPDX License List or UNKNOWN, allow it. */
export function areRedistributable(spdxIds: readonly string[]): boolean {
  const relevant = spdxIds.filter((id) => !NEUTRAL.has(id));
  return relevant.length > 0 && relevant.every((id) => ALLOWING.has(id));
}
