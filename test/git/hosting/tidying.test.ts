// What killed processes leave beside the repositories is taken away when it has no owner any more, and nothing else.
import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { tidy } from "../../../src/git/hosting/tidying.ts";
import { deadByAge } from "../../../src/git/objects/leftovers.ts";
import { temporaryDirectory } from "../../support/git-fixture.ts";

const scratch = temporaryDirectory();
afterAll(() => scratch.dispose());

const HOUR_MS = 60 * 60_000;
const UUID = "0123abcd-0123-4123-8123-0123456789ab";

function lies(path: string, hours: number): string {
  const file = join(scratch.path, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "");
  const then = (Date.now() - hours * HOUR_MS) / 1_000;
  utimesSync(file, then, then);
  if (path.startsWith("bundle-")) utimesSync(dirname(file), then, then);
  return file;
}

test("files on their way to their names, and bundles that were being loaded", async () => {
  const dead = [
    ...[`secret-key.${UUID}`, `sumdb/keys.${UUID}`, `mirrors/trusted.pem.${UUID}`].map((path) => lies(path, 1)),
    lies("bundle-aB3dEf/contents", 25),
  ];
  const alive = [
    ...["secret-key", "sumdb/keys", "mirrors/trusted.pem", "bundles/mine"].map((path) => lies(path, 1_000)),
    lies(`sumdb/keys.${UUID.replace("0", "f")}`, 0),
    lies("bundle-xY3dEf/contents", 23),
  ];
  const removed = await tidy(scratch.path, deadByAge(), () => false);
  expect(removed).toHaveLength(dead.length);
  expect(dead.filter((path) => existsSync(path))).toEqual([]);
  // A start, which knows that nothing of an earlier server is left, leaves to commands what is theirs.
  await tidy(scratch.path, { locks: 0, objects: Number.POSITIVE_INFINITY }, () => false);
  expect(alive.filter((path) => !existsSync(path))).toEqual([]);
});

test("repositories that were being made, and those that were being put in their place", async () => {
  const dead = ["7.git.new-0123abcd", "8.git.new-0123abcd.old"].map((name) => join(scratch.path, "repositories", name));
  for (const directory of dead) {
    lies(`repositories/${basename(directory)}/HEAD`, 7);
    utimesSync(directory, 0, 0);
  }
  expect((await tidy(scratch.path, deadByAge(), () => false)).sort()).toEqual(dead);
});
