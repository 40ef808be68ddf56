// The reasons of failures are a contract: each is documented, each is used, and each place that names one names a known one.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Failure, invalid, notFound, REASONS, type Reason } from "../src/errors.ts";

const known = Object.keys(REASONS).sort();

test("docs/errors.md lists every reason once, and no other", () => {
  const page = readFileSync("docs/errors.md", "utf8");
  const documented = [...page.matchAll(/^\| `([a-z_]+)` \|/gm)].map((match) => match[1]!);
  expect(documented.sort()).toEqual(known);
});

test("every reason is named somewhere in the sources", () => {
  const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.includes("generated"))
    .map((name) => readFileSync(join("src", name), "utf8"));
  const named = (reason: string): boolean =>
    sources.some((text) => text.replace(/^ {2}\w+: "[a-z-]+",$/gm, "").includes(`"${reason}"`));
  expect(known.filter((reason) => !named(reason))).toEqual([]);
});

test("a failure that names no reason has that of its kind; one of another kind cannot be named", () => {
  expect(new Failure("gone", "…").reason).toBe("version_deleted");
  expect(notFound("…").reason).toBe("not_found");
  expect(invalid("…", "name").reason).toBe("invalid_request");
  expect(notFound("…", "go_proxy_disabled")).toMatchObject({ kind: "not-found", reason: "go_proxy_disabled" });
  // @ts-expect-error a reason of forbidden things
  expect(notFound("…", "project_archived").reason satisfies Reason).toBe("project_archived");
});
