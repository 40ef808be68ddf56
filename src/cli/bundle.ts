// gokura bundle …: what builds need, in one file, carried to machines that reach nothing.
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { readConfig } from "../config.ts";
import { Failure } from "../errors.ts";
import type { ModulePath } from "../gomod/module-path.ts";
import { bundledName, readEarlier, unpackBundle, writeBundle } from "../intake/bundle.ts";
import { addWanted, type WantedVersion } from "../intake/go-sum.ts";
import { openModuleDirectory } from "../intake/module-directory.ts";
import { ownedNames } from "../registry/forge/module-owner.ts";
import { upstreamSince } from "../registry/versions/index-feed.ts";
import { TOOLCHAIN } from "../upstream/upstream-verification.ts";
import { JSON_OPTION } from "./options.ts";
import { printOne } from "./output.ts";
import { telling } from "./progress.ts";
import { importing, tellImport, wantedIn, withIntake } from "./with-intake.ts";

interface CreateWords {
  readonly out: string;
  readonly goSum?: readonly string[];
  readonly since?: string;
  readonly toolchain?: readonly string[];
  readonly after?: string;
  readonly json?: boolean;
}

export function addBundleCommands(program: Command): void {
  const bundle = program.command("bundle").description("modules in one file, for machines that reach nothing");
  bundle
    .command("create")
    .description(
      "write modules into one file, those of go.sum files or those of a time, with what the checksum database says of them",
    )
    .requiredOption("--out <file>", "the file, which must not be there")
    .option("--go-sum <files...>", "go.sum or go.work.sum files")
    .option(
      "--since <moment>",
      "what came from upstream since then: a timestamp of /index, such as 2026-01-31T09:08:07Z",
    )
    .option("--toolchain <names...>", "Go toolchains, such as go1.26.0.linux-amd64")
    .option("--after <bundle>", "leave out what is in this one, which was loaded there before")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      `
What is not stored is fetched first, as gokura prefetch does. Ends with 1, and writes nothing, when a version cannot be had.
Example: gokura bundle create --out week-48.tar --go-sum go.sum --toolchain go1.26.0.linux-amd64 --after week-47.tar`,
    )
    .action(create);
  bundle
    .command("load")
    .argument("<bundle>")
    .description("store what is in a bundle, every version compared with the checksum database's proved word")
    .option("--dry-run", "say what would be new, and store nothing")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      `
Nothing in a bundle is believed: GOKURA_SUMDB names the database, whose key must have signed what the bundle says of it.
Example: gokura bundle load week-48.tar`,
    )
    .action(load);
}

async function create({ out, goSum = [], since, toolchain = [], after, json = false }: CreateWords): Promise<void> {
  if (goSum.length === 0 && since === undefined && toolchain.length === 0)
    throw new Failure("invalid", "what shall be in it? Name --go-sum, --since or --toolchain");
  const earlier = after === undefined ? undefined : await readEarlier(after);
  const wanted = await wantedIn(goSum);
  for (const name of toolchain)
    addWanted(wanted, { modulePath: TOOLCHAIN as ModulePath, version: `v0.0.1-${name}`, zip: true });
  const known = (modulePath: string, version: string) => wanted.get(`${modulePath}@${version}`);
  const expected = async (modulePath: string, version: string) => {
    const { h1, goModH1 } = known(modulePath, version) ?? {};
    return { kind: "expected", h1, goModH1, by: "go.sum" } as const;
  };
  const isNew = ({ modulePath: path, version, zip }: WantedVersion): boolean =>
    !earlier?.versions.has(bundledName({ path, version, h1: zip ? "" : undefined }));
  await withIntake({ expected }, async ({ registry, upstream, config, signal, ...parts }) => {
    if (since !== undefined)
      for await (const { Path: path, Version: version } of upstreamSince(registry, since))
        addWanted(wanted, { modulePath: path as ModulePath, version, zip: true });
    const versions = [...wanted.values()].filter(isNew);
    const { refused } = await importing({ ...parts, client: undefined }, versions, { json: true, signal });
    for (const { module, version, reason } of refused) console.error(`refused ${module}@${version}: ${reason}`);
    if (refused.length > 0) {
      process.exitCode = 1;
      return;
    }
    const { sumDatabases } = upstream;
    const database = config.sumDatabases[0];
    // A go.sum names modules of this registry's own projects as well, which are compared with it, and are in no bundle.
    const isOwn = await ownedNames(registry);
    const others = versions.filter(({ modulePath }) => !isOwn(modulePath));
    const own = versions.length - others.length;
    const contents = await telling(`writing ${out}`, () =>
      writeBundle({ registry, sumDatabases, database }, others, out, earlier),
    );
    if (own > 0) console.error(`left out ${own} of modules of your own projects: push or upload them inside`);
    printOne(
      { file: out, versions: contents.versions.length, database: contents.sumdb, ...(own > 0 && { own }) },
      json,
    );
  });
}

async function load(
  file: string,
  { dryRun = false, json = false }: { dryRun?: boolean; json?: boolean },
): Promise<void> {
  // On the disk that the store is on: where there is room for the one, there should be for the other.
  const scratch = await mkdtemp(join(readConfig().dataDirectory, "bundle-"));
  try {
    const { contents, modules, source, words } = await telling(`unpacking ${file}`, () => unpackBundle(file, scratch));
    const directory = contents.versions.length > 0 ? await openModuleDirectory(modules) : undefined;
    const bundled = new Map(contents.versions.map((one) => [`${one.path}@${one.version}`, one]));
    const wanted = [...(directory?.versions.values() ?? [])].map(({ modulePath, version, files }) => {
      const { h1, go_mod_h1: goModH1 } = bundled.get(`${modulePath}@${version}`) ?? {};
      return { modulePath, version, zip: files.zip !== undefined, h1, goModH1 };
    });
    const expected = async (modulePath: string, version: string) => {
      const { h1, go_mod_h1: goModH1 } = bundled.get(`${modulePath}@${version}`) ?? {};
      return { kind: "expected", h1, goModH1, by: "the bundle" } as const;
    };
    const client = directory?.client;
    await withIntake({ source, expected, ...(client ? { client } : {}) }, async ({ upstream, signal, ...parts }) => {
      await tellImport({ ...parts, dryRun }, wanted, { json, signal });
      if (dryRun || contents.sumdb === undefined) return;
      // Proved and kept, so that clients here can ask about them too: records first, then the tiles that prove them.
      const isRecord = (path: string): boolean => path.startsWith("lookup/");
      for (const path of [...words.filter(isRecord), ...words.filter((path) => !isRecord(path))])
        await upstream.sumDatabases.serve(`${contents.sumdb}/${path}`);
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
