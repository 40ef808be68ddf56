// A list of versions may come from anybody's server, and have a million lines: nobody waits for its end but who asked for it.
import { expect, test } from "vitest";
import { sortVersions } from "../../src/gomod/version.ts";
import {
  latestOfList,
  latestVersion,
  linesOfList,
  listedVersions,
  newestPseudoVersion,
  versionsThatDecide,
} from "../../src/gomod/version-list.ts";
import { admitList } from "../../src/upstream/admission.ts";
import { loopTurnsDuring } from "../support/loop-turns.ts";

const COUNT = 8_000;
const tagged = Array.from({ length: COUNT }, (_, i) => `v1.${(i * 7919) % COUNT}.0`);
const pseudo = Array.from(
  { length: COUNT },
  (_, i) => `v0.0.0-20210101${String(i % 240_000).padStart(6, "0")}-aaaaaaaaaaaa`,
);
const lines = (versions: readonly string[]) => versions.map((version) => ({ version, time: undefined }));
const none = (): boolean => false;

test.each<[string, () => unknown]>([
  ["sorted", () => sortVersions(tagged)],
  ["read", () => linesOfList(tagged.join("\n"))],
  ["judged", () => admitList("gokura.test/m", Buffer.from(tagged.join("\n")))],
  ["made of tags", () => listedVersions(tagged.map((version) => ({ version, hasGoMod: true })))],
  ["asked which go.mod files decide", () => versionsThatDecide(tagged)],
  ["asked for its latest", () => latestVersion(tagged, none)],
  ["asked for its latest, all retracted", () => latestVersion(tagged, () => true)],
  ["asked for its latest where there is no @latest", () => latestOfList(lines(pseudo))],
  ["asked for its newest pseudo-version", () => newestPseudoVersion(lines(pseudo))],
])("others have their turns while a long list is %s", async (_, work) => {
  expect(await loopTurnsDuring(async () => await work())).toBeGreaterThanOrEqual(COUNT / 2_000 - 1);
});
