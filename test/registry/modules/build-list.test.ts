// The build list against the go command: random graphs of modules, stored as if fetched from upstream, served by our own
// endpoint to `go list -m all`, which must list just what we list.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { BuildList, LoadRequirements, ModuleVersionName } from "../../../src/gomod/module-graph.ts";
import { buildList } from "../../../src/registry/modules/build-list.ts";
import { requirementsByName, versionName } from "../../../src/registry/modules/readable-by-name.ts";
import { ANONYMOUS } from "../../../src/registry/principal.ts";
import { storeUpstreamPart } from "../../../src/registry/versions/upstream-modules.ts";
import { type GoCommand, goCommand } from "../../support/go.ts";
import fc from "../../support/properties.ts";
import { seedOf } from "../../support/seed.ts";
import { type TestServer, testServer } from "../../support/server.ts";

const SEED = seedOf("GRAPH_SEED");
const GRAPHS = Number(process.env.GRAPHS ?? 30);

const NAMES = ["a", "b", "c", "d", "e", "f", "g/v2"];
const MINORS = [0, 1, 2, 3];

interface Described {
  readonly go: string | undefined;
  readonly requires: readonly { readonly name: number; readonly minor: number; readonly indirect: boolean }[];
}

interface World {
  readonly main: Described;
  readonly excludes: readonly { readonly name: number; readonly minor: number }[];
  readonly replaces: readonly { name: number; minor: number; whole: boolean; by: number; byMinor: number }[];
  /** Of each module its versions, by minor version. */
  readonly modules: readonly (readonly Described[])[];
}

const name = fc.nat({ max: NAMES.length - 1 });
const minor = fc.constantFrom(...MINORS);
const go = fc.constantFrom(undefined, "1.12", "1.16", "1.17", "1.18", "1.21", "1.22.1");
const required = fc.record({ name, minor, indirect: fc.boolean() });
const described = (maxLength: number): fc.Arbitrary<Described> =>
  fc.record({ go, requires: fc.array(required, { maxLength }) });

const world: fc.Arbitrary<World> = fc.record({
  // A main module without a go line is rewritten by -mod=mod; that is no list of what is there.
  main: fc.record({
    go: fc.constantFrom("1.16", "1.17", "1.20", "1.22"),
    requires: fc.array(required, { minLength: 1, maxLength: 4 }),
  }),
  excludes: fc.array(fc.record({ name, minor }), { maxLength: 2 }),
  replaces: fc.array(fc.record({ name, minor, whole: fc.boolean(), by: name, byMinor: minor }), { maxLength: 1 }),
  modules: fc.array(fc.array(described(3), { minLength: MINORS.length, maxLength: MINORS.length }), {
    minLength: NAMES.length,
    maxLength: NAMES.length,
  }),
});

let server: TestServer;
let go_: GoCommand;
let worlds = 0;

beforeAll(async () => {
  server = await testServer({ environment: { GOKURA_UPSTREAM: "off" } });
  go_ = goCommand({ GOPROXY: `${server.url}/api/v4/packages/go`, GONOSUMDB: "*", GOFLAGS: "-mod=mod -modcacherw" });
});

const versionOf = (of: number, at: number): string => `${NAMES[of]!.endsWith("/v2") ? "v2" : "v1"}.${at}.0`;

function goModOf(module: string, prefix: string, { go: line, requires }: Described): string {
  const lines = requires.map(
    (one) =>
      `require ${prefix}/${NAMES[one.name]} ${versionOf(one.name, one.minor)}${one.indirect ? " // indirect" : ""}`,
  );
  return [`module ${module}`, ...(line ? [`go ${line}`] : []), ...lines, ""].join("\n");
}

function loader(): LoadRequirements {
  return async (names) => {
    const { found } = await requirementsByName(server.registry, ANONYMOUS, names, 2 ** 30);
    return names.map((one) => found.get(versionName(one))!);
  };
}

const show = ({ modules }: BuildList): string[] =>
  modules.map(({ path, version, replacedBy, indirect }) => {
    const replacement = replacedBy ? ` => ${replacedBy.replace("@", " ")}` : "";
    return `${path} ${version}${replacement} ${indirect}`;
  });

async function store(path: string, version: string, goMod: string): Promise<void> {
  const goModBytes = Buffer.from(goMod);
  await storeUpstreamPart(server.registry, path, version, {
    info: Buffer.from(`{"Version":"${version}","Time":"2024-01-02T03:04:05Z"}`),
    time: undefined,
  });
  await storeUpstreamPart(server.registry, path, version, { goMod: goModBytes });
}

test(`as go list -m all, seed ${SEED}`, { timeout: 600_000 }, async () => {
  const sizes = new Set<number>();
  const property = fc.asyncProperty(world, async ({ main, excludes, replaces, modules }) => {
    const prefix = `w${++worlds}.example.com`;
    const mainPath = `${prefix}/${NAMES[0]}`; // so that others may require it, at other versions
    for (const [index, versions] of modules.entries())
      for (const [at, version] of versions.entries()) {
        const path = `${prefix}/${NAMES[index]}`;
        await store(path, versionOf(index, at), goModOf(path, prefix, version));
      }
    const directives = [
      ...excludes.map((one) => `exclude ${prefix}/${NAMES[one.name]} ${versionOf(one.name, one.minor)}`),
      ...replaces
        .filter((one) => one.name !== 0)
        .map(
          (one) =>
            `replace ${prefix}/${NAMES[one.name]}${one.whole ? "" : ` ${versionOf(one.name, one.minor)}`} => ${prefix}/${NAMES[one.name]} ${versionOf(one.name, one.byMinor)}`,
        ),
    ];
    const goMod = `${goModOf(mainPath, prefix, main)}${directives.join("\n")}\n`;
    writeFileSync(join(go_.cwd, "go.mod"), goMod);
    writeFileSync(join(go_.cwd, "go.sum"), "");
    const { status, output } = await go_.run(
      "list",
      "-m",
      "-f",
      "{{if not .Main}}{{.Path}} {{.Version}}{{with .Replace}} => {{.Path}} {{.Version}}{{end}} {{.Indirect}}{{end}}",
      "all",
    );
    const ours = await buildList({ path: mainPath, version: "v9.9.9" }, Buffer.from(goMod), loader());
    const said = output.split("\n").filter((line) => line !== "" && !line.startsWith("go: "));
    expect({ status, said }, `${goMod}\n${output}`).toEqual({ status: 0, said: show(ours) });
    expect(ours.missing).toEqual([]);
    for (const { requiredBy } of ours.modules) expect(requiredBy.length).toBeGreaterThan(0);
    sizes.add(ours.modules.length);
  });
  await fc.assert(property, { seed: SEED, numRuns: GRAPHS });
  expect(sizes.size).toBeGreaterThan(3);
});

describe("what is missing", () => {
  const list = (goMod: string): Promise<BuildList> =>
    buildList({ path: "example.com/main", version: "v1.0.0" }, Buffer.from(goMod), loader());
  const names = ({ modules }: BuildList): ModuleVersionName[] =>
    modules.map(({ path, version }) => ({ path, version }));

  test("is said, and the rest is listed all the same", async () => {
    await store("example.com/there", "v1.0.0", "module example.com/there\nrequire example.com/deep v1.0.0\n");
    await store("example.com/broken", "v1.0.0", "module example.com/broken\nrequire (\n");
    await store("example.com/renamed", "v1.0.0", "module example.com/another\n");
    await storeUpstreamPart(server.registry, "example.com/named", "v1.0.0", {
      info: Buffer.from("{}"),
      time: undefined,
    });
    const found = await list(`module example.com/main

go 1.16

require (
	example.com/there v1.0.0
	example.com/broken v1.0.0
	example.com/renamed v1.0.0
	example.com/named v1.0.0
	example.com/local v1.0.0
	example.com/gone v1.0.0
)

replace example.com/local => ../local
`);
    const at = "v1.0.0";
    expect(found.missing).toEqual([
      { path: "example.com/broken", version: at, reason: "go.mod refused" },
      { path: "example.com/deep", version: at, reason: "not stored" },
      { path: "example.com/gone", version: at, reason: "not stored" },
      { path: "example.com/local", version: at, reason: "a directory" },
      { path: "example.com/named", version: at, reason: "go.mod not stored" },
      { path: "example.com/renamed", version: at, reason: "go.mod refused" },
    ]);
    expect(names(found).map(({ path }) => path.replace("example.com/", ""))).toEqual([
      "broken",
      "deep",
      "gone",
      "local",
      "named",
      "renamed",
      "there",
    ]);
    expect(found.modules.find(({ path }) => path.endsWith("/local"))?.replacedBy).toBe("../local");
    expect(found.modules.find(({ path }) => path.endsWith("/deep"))?.requiredBy).toEqual([
      { path: "example.com/there", version: at },
    ]);
  });

  test("is nothing where the graph is pruned: what is not needed to choose versions is not missed", async () => {
    await store(
      "example.com/modern",
      "v1.0.0",
      "module example.com/modern\ngo 1.17\nrequire example.com/never v1.0.0\n",
    );
    const found = await list("module example.com/main\ngo 1.17\nrequire example.com/modern v1.0.0\n");
    expect(found.missing).toEqual([]);
    expect(names(found)).toEqual([
      { path: "example.com/modern", version: "v1.0.0" },
      { path: "example.com/never", version: "v1.0.0" },
    ]);
  });

  test("is the version itself while its own go.mod cannot be read", async () => {
    const main = { path: "example.com/main", version: "v1.0.0" };
    expect(await buildList(main, null, loader())).toEqual({
      modules: [],
      missing: [{ ...main, reason: "go.mod not stored" }],
    });
    expect(await list("module example.com/main\nrequire (\n")).toEqual({
      modules: [],
      missing: [{ ...main, reason: "go.mod refused" }],
    });
  });

  test("what is beyond the bytes that may be read is not answered; what was read before costs none", async () => {
    const name = { path: "example.com/large", version: "v1.0.0" };
    const goMod = "module example.com/large\nrequire example.com/x v1.0.0\n";
    await store(name.path, name.version, goMod);
    const read = (maxBytes: number) => requirementsByName(server.registry, ANONYMOUS, [name], maxBytes);
    expect(await read(10)).toEqual({ found: new Map(), bytes: 0 });
    const { found, bytes } = await read(100);
    expect(bytes).toBe(goMod.length);
    expect(await read(10)).toEqual({ found, bytes: 0 });
  });

  test("a graph without end is refused", async () => {
    let minors = 0;
    const endless: LoadRequirements = async (asked) =>
      asked.map(({ path }) => ({
        ...{ modulePath: path, pruned: false },
        requires: [0, 1, 2].map((next) => ({ path: `${path.slice(0, 20)}${next}`, version: `v1.${++minors}.0` })),
      }));
    const goMod = Buffer.from("module example.com/main\nrequire example.com/a v1.0.0\n");
    await expect(buildList({ path: "example.com/main", version: "v1.0.0" }, goMod, endless)).rejects.toMatchObject({
      kind: "too-large",
    });
  });
});
