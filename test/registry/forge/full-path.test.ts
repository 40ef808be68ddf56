import { describe, expect, test } from "vitest";
import { checkPathElement, splitFullPath } from "../../../src/registry/forge/full-path.ts";
import { processorMs } from "../../support/processor-time.ts";

test.each([
  ["acme", ["acme"]],
  ["acme/lib", ["acme", "lib"]],
  ["Acme/My_Lib-2/x.y", ["Acme", "My_Lib-2", "x.y"]],
  ["0/1", ["0", "1"]],
  ["acme/api", ["acme", "api"]], // reserved at the top only
])("%s is a path", (text, elements) => {
  expect(splitFullPath(text)).toEqual(elements);
});

test.each(["api", "API", "-", "graphql", "admin", "users", "groups", "projects", "help", "explore", "assets"])(
  "%s at the top is ours",
  (name) => {
    expect(() => splitFullPath(`${name}/lib`)).toThrow();
    if (name !== "-") expect(splitFullPath(`acme/${name}`)).toEqual(["acme", name]);
  },
);

describe("refused, as invalid and without repeating what a terminal would act on", () => {
  test.each([
    "",
    "/acme",
    "acme/",
    "acme//lib",
    ".",
    "..",
    "../acme",
    "acme/../lib",
    "acme/./lib",
    ".hidden",
    "_x/y",
    "-x/y",
    "acme/lib.git",
    "acme/lib.GIT",
    "acme/lib.atom",
    "acme/lib.",
    "a b",
    "acme/lib\n",
    "acme/\u001b[2Jlib",
    "acme\0lib",
    "acme\\lib",
    "acme/%2e%2e",
    "'; DROP TABLE project; --",
    "acme/lib?x",
    "acme/lib#x",
    "acme/lib:x",
    "acme/$(id)",
    "acme/`id`",
    "acme/ü",
    "acme/aux", // Go refuses what Windows reserves
    "acme/con.txt",
    "acme/x~1", // and its short names
    `acme/${"x".repeat(256)}`,
    Array(22).fill("a").join("/"),
    Array(20).fill("x".repeat(60)).join("/"),
  ])("%j", (text) => {
    let said = "";
    try {
      splitFullPath(text);
    } catch (error) {
      expect(error).toMatchObject({ kind: "invalid" });
      said = (error as Error).message;
    }
    expect(said).toMatch(/^[\x20-\x7e…]{10,300}$/);
  });
});

test("the length is checked before anything else is done with it", () => {
  const long = "a/".repeat(5_000_000);
  const refuse = (): void => expect(() => splitFullPath(long)).toThrow("longer than 1000 characters");
  expect(processorMs(refuse)).toBeLessThan(100);
});

test("a user name follows the same rule as a top-level group", () => {
  expect(() => checkPathElement("alice", true)).not.toThrow();
  expect(() => checkPathElement("alice/bob", true)).toThrow();
  expect(() => checkPathElement("api", true)).toThrow("reserved");
});
