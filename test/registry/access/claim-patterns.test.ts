// What patterns of claims mean, and which ones would let in whom nobody means.
import { describe, expect, test } from "vitest";
import { checkPatterns, fits, mismatches } from "../../../src/registry/access/claim-patterns.ts";

const GITHUB = "https://token.actions.githubusercontent.com";

test.each([
  ["acme/lib", "acme/lib", true],
  ["acme/lib", "acme/library", false],
  ["acme/lib", "ACME/lib", false],
  ["acme/*", "acme/lib", true],
  ["acme/*", "acme/", true],
  ["acme/*", "acme/lib/deep", false],
  ["acme/**", "acme/lib/deep", true],
  ["acme/*", "evil/acme/lib", false],
  ["refs/tags/v*", "refs/tags/v1.2.3", true],
  ["refs/tags/v*", "refs/tags/v1/x", false],
  ["refs/tags/**/v*", "refs/tags/sub/v1.0.0", true],
  ["repo:acme/*:ref:refs/heads/main", "repo:acme/lib:ref:refs/heads/main", true],
  // an environment may be called so
  ["repo:acme/*:ref:refs/heads/main", "repo:acme/lib:environment:x:ref:refs/heads/main", false],
  ["repo:acme/**:ref:refs/heads/main", "repo:acme/lib:environment:x:ref:refs/heads/main", true],
  ["*-*", "a-b-c", true],
  ["a*b*c", "abc", true],
  ["a*b*c", "acb", false],
  ["v[0-9].*", "v1.2", false],
])("%s and %s: %s", (pattern, text, expected) => {
  expect(fits(pattern, text)).toBe(expected);
});

test("a hostile pattern costs no more than its length times that of the text", () => {
  let looks = 0;
  const text = new Proxy(new String("a".repeat(5_000)), {
    get(target, key) {
      if (typeof key === "string" && /^\d+$/.test(key)) looks++;
      const value = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  }) as unknown as string;
  expect(fits(`${"*a".repeat(20)}b`, text)).toBe(false);
  expect(looks).toBeLessThan(20 * 5_000 + 100);
});

test("claims are compared as texts; of a list one must fit; what is not there is told", () => {
  const claims = { id: 17, protected: true, groups: ["a", "b"], nested: { x: 1 }, none: null };
  expect(mismatches({ id: "17", protected: "true", groups: "b" }, claims)).toEqual([]);
  expect(mismatches({ id: "1", groups: "c", nested: "*", none: "*", toString: "*" }, claims)).toEqual([
    { claim: "id", pattern: "1", value: "17" },
    { claim: "groups", pattern: "c", value: "a, b" },
    { claim: "nested", pattern: "*", value: undefined },
    { claim: "none", pattern: "*", value: undefined },
    { claim: "toString", pattern: "*", value: undefined },
  ]);
});

describe("what is asked for is refused", () => {
  test.each([
    ["nothing at all", "https://ci.test", {}],
    ["anything at all", "https://ci.test", { sub: "**" }],
    ["no pattern", "https://ci.test", { sub: "" }],
    ["what is looked at anyway", "https://ci.test", { aud: "x" }],
    ["an issuer of everybody, and no owner", GITHUB, { ref: "refs/tags/v*" }],
    ["an owner that is any", GITHUB, { repository: "*/lib" }],
    ["an owner that only begins so", GITHUB, { repository: "acme*" }],
    ["the same by its name", GITHUB, { repository_owner: "acme*" }],
    ["a subject of anybody", GITHUB, { sub: "repo:**" }],
    ["a subject whose owner only begins so", GITHUB, { sub: "repo:acme**" }],
    ["a namespace that only begins so", "https://gitlab.com", { namespace_path: "acme*" }],
  ])("%s", (_, issuer, patterns) => {
    expect(() => checkPatterns(issuer, patterns as unknown as Record<string, string>)).toThrow();
  });

  test.each([
    ["https://ci.test", { sub: "job-*" }],
    [GITHUB, { repository: "acme/*", ref: "**" }],
    [GITHUB, { repository_owner_id: "123" }],
    [GITHUB, { sub: "repo:acme/lib:*" }],
    [GITHUB, { sub: "repo:acme/*:ref:refs/heads/main" }],
    ["https://gitlab.com", { project_path: "acme/**" }],
  ])("but not of %s %o", (issuer, patterns) => {
    expect(() => checkPatterns(issuer, patterns as unknown as Record<string, string>)).not.toThrow();
  });
});
