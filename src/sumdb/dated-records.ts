// Records of the public checksum database of which the world knows when they existed, so that on the first day nothing is
// taken for new that is old. A record's number says in which order records came, and nobody can change it afterwards: what
// stands before a record existed when that one did. The records are those of Go's own releases for Linux, which the go
// command does not take without one (GOTOOLCHAIN), and which somebody fetches on the day of the release. The numbers were
// read from the database, the days from Go's release history (go.dev/doc/devel/release); two days are added to be sure.
// Where the table ends, heads that were seen here go on (registry/policies/version-ages.ts).

const MARGIN_MS = 2 * 86_400_000;

const RELEASES: readonly (readonly [go: string, record: number, day: string])[] = [
  ["1.21.0", 18_938_547, "2023-08-08"],
  ["1.22.0", 22_600_623, "2024-02-06"],
  ["1.23.0", 29_008_113, "2024-08-13"],
  ["1.24.0", 34_531_184, "2025-02-11"],
  ["1.25.0", 41_959_331, "2025-08-12"],
  ["1.26.0", 49_871_717, "2026-02-10"],
  ["1.26.3", 53_691_915, "2026-05-07"],
  ["1.26.4", 55_049_139, "2026-06-02"],
  ["1.26.5", 56_957_498, "2026-07-07"],
  ["1.26.6", 59_742_117, "2026-08-13"],
  ["1.26.7", 60_245_666, "2026-08-19"],
];

/** Trees of the database and when they existed at the latest: so many records, milliseconds since 1970. Ascending. */
export const DATED_TREES: readonly { readonly size: number; readonly existedAt: number }[] = RELEASES.map(
  ([, record, day]) => ({ size: record + 1, existedAt: Date.parse(day) + MARGIN_MS }),
);
