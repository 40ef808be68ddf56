import { expect, test } from "vitest";
import {
  latestOfList,
  latestVersion,
  linesOfList,
  listedVersions,
  retractingVersion,
  versionsThatDecide,
} from "../../src/gomod/version-list.ts";

/** A version with an asterisk has a go.mod. */
const list = (...items: string[]): Promise<string[]> =>
  listedVersions(items.map((item) => ({ version: item.replace("*", ""), hasGoMod: item.endsWith("*") })));

test("ascending, whatever the order of the tags", async () => {
  expect(await list("v1.10.0*", "v1.2.0", "v1.2.0-rc.1", "v0.9.0*")).toEqual([
    "v0.9.0",
    "v1.2.0-rc.1",
    "v1.2.0",
    "v1.10.0",
  ]);
  expect(await list()).toEqual([]);
});

test("a go.mod in the highest compatible version ends +incompatible, even in a pre-release", async () => {
  expect(await list("v1.0.0*", "v2.0.0+incompatible")).toEqual(["v1.0.0"]);
  expect(await list("v1.0.0", "v1.1.0-rc.1*", "v2.0.0+incompatible")).toEqual(["v1.0.0", "v1.1.0-rc.1"]);
  expect(await list("v1.0.0*", "v1.1.0", "v2.0.0+incompatible")).toEqual(["v1.0.0", "v1.1.0", "v2.0.0+incompatible"]);
});

test("a go.mod in the highest version of a major drops all of that major", async () => {
  expect(
    await list("v1.0.0", "v2.0.0+incompatible", "v2.1.0+incompatible*", "v3.0.0+incompatible*", "v3.1.0+incompatible"),
  ).toEqual(["v1.0.0", "v3.0.0+incompatible", "v3.1.0+incompatible"]);
  expect(await list("v2.0.0+incompatible*", "v10.0.0+incompatible")).toEqual(["v10.0.0+incompatible"]);
});

test("only a few go.mod files need to be read", async () => {
  expect(await versionsThatDecide(["v1.0.0", "v1.2.0"])).toEqual([]);
  expect(
    await versionsThatDecide(["v3.0.0+incompatible", "v1.0.0", "v2.0.0+incompatible", "v2.1.0+incompatible", "v0.1.0"]),
  ).toEqual(["v1.0.0", "v2.1.0+incompatible", "v3.0.0+incompatible"]);
  expect(await versionsThatDecide(["v2.0.0+incompatible"])).toEqual(["v2.0.0+incompatible"]);
});

test("the latest version is the highest release that is not retracted, else the highest such pre-release", async () => {
  const none = (): boolean => false;
  const pseudo = "v1.9.1-0.20060102150405-0123456789ab";
  expect(await latestVersion(["v1.0.0", "v1.10.0", "v1.9.0", "v2.0.0-rc.1"], none)).toBe("v1.10.0");
  expect(await latestVersion(["v1.0.0", "v1.1.0"], (version) => version === "v1.1.0")).toBe("v1.0.0");
  expect(await latestVersion(["v1.0.0-a", "v1.0.0-b", pseudo], none)).toBe("v1.0.0-b");
  expect(await latestVersion(["v1.0.0", "v1.0.0-b"], (version) => version === "v1.0.0")).toBe("v1.0.0-b");
  expect(await latestVersion(["v1.0.0", "v2.0.0+incompatible"], none)).toBe("v2.0.0+incompatible");
  expect(await latestVersion([pseudo], none)).toBeUndefined();
  expect(await latestVersion(["v1.0.0"], () => true)).toBeUndefined();
});

test("retractions are read in the highest compatible release", async () => {
  expect(await retractingVersion(["v1.0.0", "v1.1.0-rc.1", "v2.0.0+incompatible"])).toBe("v1.0.0");
  expect(await retractingVersion(["v1.1.0-rc.1", "v2.0.0+incompatible"])).toBe("v1.1.0-rc.1");
  expect(await retractingVersion(["v2.0.0+incompatible"])).toBeUndefined();
});

test.each([
  ["v1.0.0\nv1.1.0\nv2.0.0-rc.1\n", "v1.1.0"],
  ["v1.0.0-rc.1\nv0.0.0-20210101000000-aaaaaaaaaaaa\n", "v1.0.0-rc.1"],
  ["v0.0.0-20200101000000-bbbbbbbbbbbb\nv0.0.0-20210101000000-aaaaaaaaaaaa\n", "v0.0.0-20210101000000-aaaaaaaaaaaa"],
  [
    "v0.0.0-20200101000000-bbbbbbbbbbbb 2023-01-01T00:00:00Z\nv0.0.0-20210101000000-aaaaaaaaaaaa 2022-01-01T00:00:00Z\n",
    "v0.0.0-20200101000000-bbbbbbbbbbbb",
  ],
  // A time that is none counts as none, and the version's own takes its place.
  [
    "v0.0.0-20200101000000-bbbbbbbbbbbb yesterday\nv0.0.0-20210101000000-aaaaaaaaaaaa\n",
    "v0.0.0-20210101000000-aaaaaaaaaaaa",
  ],
  [
    "v0.0.0-20200101000000-bbbbbbbbbbbb 2023-02-30T00:00:00Z\nv0.0.0-20210101000000-aaaaaaaaaaaa\n",
    "v0.0.0-20210101000000-aaaaaaaaaaaa",
  ],
  [
    "v0.0.0-20200101000000-bbbbbbbbbbbb 2023-13-01T00:00:00Z\nv0.0.0-20210101000000-aaaaaaaaaaaa\n",
    "v0.0.0-20210101000000-aaaaaaaaaaaa",
  ],
  ["v0.0.0-20209901000000-bbbbbbbbbbbb\n", undefined],
  ["main\n\n<html>\n", undefined],
  ["", undefined],
])("the latest of a list, where there is no @latest: %j", async (list, latest) => {
  expect(await latestOfList(await linesOfList(list))).toBe(latest);
});
