// What npm would install, read out of package-lock.json. .npmrc has npm leave peers alone, so that what only development
// needs stays out of production; the price is that peers which are needed must be dependencies of our own.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface Locked {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly resolved?: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

const packages: Record<string, Locked> = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;
const locked = Object.entries(packages).filter(([path]) => path !== "");

test("development tools are in no production install", () => {
  expect(locked.filter(([, { devOptional }]) => devOptional).map(([path]) => path)).toEqual([]);
  for (const tool of ["prisma", "typescript", "vite", "@biomejs/biome"])
    expect(packages[`node_modules/${tool}`], tool).toMatchObject({ dev: true });
});

test("what production packages need beside themselves is installed", () => {
  const missing = locked.flatMap(([path, { dev, peerDependencies = {}, peerDependenciesMeta = {} }]) =>
    dev
      ? []
      : Object.keys(peerDependencies)
          .filter((name) => !peerDependenciesMeta[name]?.optional && !packages[`node_modules/${name}`])
          .map((name) => `${path} needs ${name}`),
  );
  expect(missing).toEqual([]);
});

test("the lock names no addresses, so that every registry will do", () => {
  expect(locked.filter(([, { resolved }]) => resolved).map(([path]) => path)).toEqual([]);
});
