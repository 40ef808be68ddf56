// gokura import …: what is kept elsewhere, brought in.

import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { invalid } from "../errors.ts";
import { checkPath, type ModulePath } from "../gomod/module-path.ts";
import { addWanted, type WantedVersion } from "../intake/go-sum.ts";
import { type DirectoryContent, openModuleDirectory } from "../intake/module-directory.ts";
import { isExactVersion } from "../upstream/admission.ts";
import { parseUpstreams } from "../upstream/policy.ts";
import { addImportOrganization } from "./import-org.ts";
import { JSON_OPTION } from "./options.ts";
import { telling } from "./progress.ts";
import { tellImport, wantedIn, withIntake } from "./with-intake.ts";

interface ImportWords {
  readonly goSum?: readonly string[];
  readonly list?: string;
  readonly into?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addImportCommands(program: Command): void {
  const imports = program.command("import").description("bring in what is kept elsewhere");
  addImportOrganization(imports);
  imports
    .command("modules")
    .argument("<directory or URL>", "a module cache, the storage of another proxy, or the URL of a GOPROXY")
    .description("bring in module versions that are stored elsewhere, each judged as if an upstream had sent it")
    .option("--go-sum <files...>", "compare with the sums in these; of a URL: bring in the versions that they name")
    .option("--list <file>", "of a URL: bring in the versions in this file, MODULE@VERSION on each line")
    .option("--into <project>", "only versions of this project's modules, which are published in it")
    .option("--dry-run", "say what would come of each, and bring in nothing")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      `
Versions of modules of projects here are published in these, as uploads; all others are stored as if they came from
upstream, and compared with the checksum database. What is there already is passed over: run it again after a break.
Ends with 1 when any version was refused; each is told with the reason.
Example: gokura import modules ~/go/pkg/mod --dry-run
Example: gokura import modules https://athens.corp --go-sum go.sum other/go.sum`,
    )
    .action(importModules);
}

async function importModules(from: string, words: ImportWords): Promise<void> {
  const sums = await wantedIn(words.goSum ?? []);
  if (/^https?:\/\//.test(from)) {
    if (words.list !== undefined) await addList(sums, words.list);
    if (sums.size === 0) throw invalid("a proxy does not say which versions it has: give --go-sum or --list");
    await bringIn({ upstreams: parseUpstreams(from) }, [...sums.values()], sums, words);
  } else {
    const directory = await telling(`looking through ${from}`, () => openModuleDirectory(from));
    const wanted = [...directory.versions.values()].map(({ modulePath, version, files }) => ({
      ...sums.get(`${modulePath}@${version}`),
      ...{ modulePath, version, zip: files.zip !== undefined },
    }));
    const kept = wanted.filter(({ zip, modulePath, version }) => zip || hasGoMod(directory, modulePath, version));
    await bringIn({ client: directory.client }, kept, sums, words, directory);
  }
}

const hasGoMod = ({ versions }: DirectoryContent, modulePath: string, version: string): boolean =>
  versions.get(`${modulePath}@${version}`)?.files.mod !== undefined;

async function bringIn(
  elsewhere: Pick<Parameters<typeof withIntake>[0], "upstreams" | "client">,
  wanted: readonly WantedVersion[],
  sums: ReadonlyMap<string, WantedVersion>,
  { into, dryRun = false, json = false }: ImportWords,
  directory?: DirectoryContent,
): Promise<void> {
  const expected = async (modulePath: ModulePath, version: string) => {
    const name = `${modulePath}@${version}`;
    const known = sums.get(name);
    const found = directory?.versions.get(name);
    const beside = found && (await directory?.ziphashOf(found));
    if (known?.h1 !== undefined || (known?.goModH1 !== undefined && beside === undefined))
      return { kind: "expected", h1: known.h1, goModH1: known.goModH1, by: "go.sum" } as const;
    if (beside === undefined) return undefined;
    return { kind: "expected", h1: beside, goModH1: known?.goModH1, by: "the .ziphash beside it" } as const;
  };
  await withIntake({ ...elsewhere, expected }, ({ signal, ...parts }) =>
    tellImport({ ...parts, into, dryRun }, wanted, { json, signal }),
  );
}

async function addList(wanted: Map<string, WantedVersion>, file: string): Promise<void> {
  for (const [index, line] of (await readFile(file, "utf8")).split("\n").entries()) {
    const [path = "", version = ""] = line.trim().split("@");
    if (path === "") continue;
    if (checkPath(path) !== undefined || !isExactVersion(path, version))
      throw invalid(`${file}:${index + 1}: ${line.trim()} is no MODULE@VERSION`);
    addWanted(wanted, { modulePath: path as ModulePath, version, zip: true });
  }
}
