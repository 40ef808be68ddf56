// Versions whose zip is pinned come into the log at the next start, however many others lie between them.
import { expect, test, vi } from "vitest";
import { recordsFrom } from "../../../src/registry/checksums/log-records.ts";
import { logPinnedZips } from "../../../src/registry/checksums/pinned-zips.ts";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { pinZip } from "../../../src/registry/versions/version-zip.ts";
import { publishVersions, version } from "../../graphql/graphql-server.ts";
import { testLog } from "./log.ts";

const LIB = "gokura.test/acme/lib";

test("a walk looks at some numbers of versions at a time, and comes to all that have no record", async () => {
  const { log, registry } = await testLog();
  const { pool } = registry.database;
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  const { id: project } = await createProject(registry, OPERATOR, { fullPath: "acme/lib", visibility: "PRIVATE" });
  const pinned = async (name: string): Promise<number> => {
    const [id] = await publishVersions(registry, project, [version(LIB, name)]);
    const made = { h1: "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", sha256: "0".repeat(64), size: 1 };
    await pinZip(registry, id!, made);
    return id!;
  };
  const first = await pinned("v1.0.0");
  await pool.query("SELECT setval('module_version_id_seq', $1)", [first + 50_000]);
  const last = await pinned("v1.1.0");
  const walk = vi.spyOn(registry.jobs, "continueWalk").mockResolvedValue();
  const next: number[] = [];
  for (let after = 0; ; after = next.at(-1)!) {
    await logPinnedZips(log, { after });
    const job = walk.mock.calls[next.length];
    if (job === undefined) break;
    next.push((job[1] as { after: number }).after);
  }
  expect([next.length, next.at(-1)! < last]).toEqual([2, true]);
  expect((await recordsFrom(registry, 0, 10)).map((one) => `${one.modulePath}@${one.version}`)).toEqual([
    `${LIB}@v1.0.0`,
    `${LIB}@v1.1.0`,
  ]);
  // One version that was just made.
  const just = await pinned("v1.2.0");
  const asked = vi.spyOn(pool, "query");
  await logPinnedZips(log, { after: just - 1, upTo: just });
  expect([walk.mock.calls.length, (await recordsFrom(registry, 0, 10)).length]).toEqual([2, 3]);
  // It has been told how far to look.
  expect(asked.mock.calls.filter(([text]) => String(text).includes("max(id) AS last FROM module_version"))).toEqual([]);
});
