// Imports run one way. The table is the architecture; ARCHITECTURE.md quotes it.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const RULES = ["gomod", "sumdb"];
const FLOOR = [...RULES, "storage", "database", "jobs", "telemetry"];
const BELOW_DOORS = [...FLOOR, "registry", "git", "upstream"];

const MAY_IMPORT: Record<string, readonly string[]> = {
  gomod: [],
  sumdb: [],
  telemetry: [],
  storage: ["telemetry"],
  database: ["telemetry"],
  jobs: ["database", "telemetry"],
  registry: FLOOR,
  git: [...FLOOR, "registry"],
  upstream: [...FLOOR, "registry", "git"],
  http: [...BELOW_DOORS, "graphql"],
  graphql: BELOW_DOORS,
  web: BELOW_DOORS,
  cli: BELOW_DOORS,
};
/** Types and values that every room may use. */
const FOR_ALL = new Set(["errors.ts", "config.ts"]);
/** The composition: main -> cli -> app -> rooms. */
const TOP = new Set(["main.ts", "app.ts", "config.ts"]);
const TOP_OF_CLI = new Set(["app.ts"]);

/** The settings; where the programs git and go are found (PATH). */
const MAY_READ_ENVIRONMENT = new Set(["config.ts", "git/process/git-environment.ts", "cli/demo.ts"]);

const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter(
  (name) => name.endsWith(".ts") && !name.includes("generated"),
);
const texts = new Map(files.map((file) => [file, readFileSync(join("src", file), "utf8")]));
const targetsOf = (text: string): string[] =>
  [
    ...text.matchAll(
      /^(?:import|export)\b[^"'`;]*?\bfrom\s*["']([^"']+)["']|^import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3]!);
const imports = new Map(
  files.map((file) => [
    file,
    targetsOf(texts.get(file)!)
      .filter((target) => target.startsWith("."))
      .map((target) => relative("src", resolve("src", dirname(file), target))),
  ]),
);
const room = (file: string): string => file.split("/")[0]!;

test("imports follow the architecture", () => {
  const wrong: string[] = [];
  for (const [file, targets] of imports) {
    if (TOP.has(file)) continue;
    for (const target of targets) {
      const allowed =
        FOR_ALL.has(target) ||
        room(target) === room(file) ||
        MAY_IMPORT[room(file)]?.includes(room(target)) ||
        (room(file) === "cli" && TOP_OF_CLI.has(target)) ||
        target.startsWith("..");
      if (!allowed) wrong.push(`${file} -> ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("every import exists and there is no cycle of values", () => {
  // Imports of types alone are erased and cannot make a cycle that runs.
  const values = new Map(
    files.map((file) => [
      file,
      targetsOf(
        texts
          .get(file)!
          .replace(/^import type [^;]*;/gms, "")
          .replace(/^export type \{[^;]*;/gms, ""),
      )
        .filter((target) => target.startsWith("."))
        .map((target) => relative("src", resolve("src", dirname(file), target))),
    ]),
  );
  const state = new Map<string, "open" | "done">();
  const cycles: string[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    if (state.get(file) === "done" || file.startsWith("..")) return;
    if (state.get(file) === "open") {
      cycles.push([...trail.slice(trail.indexOf(file)), file].join(" -> "));
      return;
    }
    state.set(file, "open");
    for (const target of values.get(file) ?? []) {
      if (!target.startsWith("..") && !target.includes("generated"))
        expect(files, `${file} imports ${target}`).toContain(target);
      if (!target.includes("generated")) visit(target, [...trail, file]);
    }
    state.set(file, "done");
  };
  for (const file of files) visit(file, []);
  expect(cycles).toEqual([]);
});

test("the doors never touch Prisma, nor anybody but config.ts the environment", () => {
  for (const [file, text] of texts) {
    if (["http", "graphql", "web", "cli"].includes(room(file)))
      expect(text, file).not.toMatch(/^import (?!type)[^;]*database\/(generated|client)/m);
    if (!MAY_READ_ENVIRONMENT.has(file)) expect(text, file).not.toMatch(/process\.env/);
    if (file !== "gomod/version.ts") expect(text, file).not.toMatch(/from "semver/);
  }
});
