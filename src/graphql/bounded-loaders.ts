// Loaders of what may be large: go.mod files and the contents of zips, whose size an author decides. One request gets so many
// bytes of each kind; what would go over is a Failure for that field alone, which says where to get the whole.
import DataLoader from "dataloader";
import { Failure } from "../errors.ts";
import type { ModuleRequirements, ModuleVersionName, UnknownRequirements } from "../gomod/module-graph.ts";
import { MAX_FILE_BYTES, type ModuleFile, readFile, sumOfFile } from "../registry/modules/module-files.ts";
import { requirementsByName, versionName } from "../registry/modules/readable-by-name.ts";
import type { Principal } from "../registry/principal.ts";
import type { Registry } from "../registry/registry.ts";
import { goModsOf } from "../registry/versions/version-rows.ts";
import type { ById, ByName } from "./loader-kinds.ts";

/** How many bytes of go.mod files one request gets: they are parsed, and an author may make them as large as 16 MiB. */
const GO_MOD_BYTES_PER_REQUEST = 4 * 1024 * 1024;

/** How many bytes of go.mod files one request gets for build lists; more than any graph that is known has. */
const GRAPH_BYTES_PER_REQUEST = 16 * 1024 * 1024;

/** How many bytes of the contents of files one request gets, and how many are read for their sums. */
const CONTENT_BYTES_PER_REQUEST = 8 * 1024 * 1024;
const SUMMED_BYTES_PER_REQUEST = 64 * 1024 * 1024;

/** go.mod files by the version's number, as far as the request's bytes go. */
export function goModLoader(registry: Registry): ById<Buffer | null> {
  let bytesLeft = GO_MOD_BYTES_PER_REQUEST;
  return new DataLoader<number, Buffer | null | undefined>(async (ids) => {
    const found = await goModsOf(registry, ids, bytesLeft);
    for (const goMod of found.values()) bytesLeft -= goMod?.length ?? 0;
    const rest = new Failure(
      "too-large",
      `one request gets ${GO_MOD_BYTES_PER_REQUEST} bytes of go.mod files; ask for fewer versions, or fetch VERSION.mod from the Go endpoint`,
      { reason: "answer_too_large" },
    );
    return ids.map((id) => (found.has(id) ? found.get(id) : rest));
  });
}

/** What versions require, by name, as far as the request's bytes go. */
export function requirementsLoader(
  registry: Registry,
  principal: Principal,
): ByName<ModuleVersionName, ModuleRequirements | UnknownRequirements, never> {
  let bytesLeft = GRAPH_BYTES_PER_REQUEST;
  return new DataLoader<ModuleVersionName, ModuleRequirements | UnknownRequirements, string>(
    async (names) => {
      const { found, bytes } = await requirementsByName(registry, principal, names, bytesLeft);
      bytesLeft -= bytes;
      const rest = new Failure(
        "too-large",
        `one request gets ${GRAPH_BYTES_PER_REQUEST} bytes of go.mod files for build lists; ask for fewer versions, or ask the go command: go list -m all`,
        { reason: "answer_too_large" },
      );
      return names.map((name) => found.get(versionName(name)) ?? rest);
    },
    { cacheKeyFn: versionName },
  );
}

/** The first bytes of files, at most MAX_FILE_BYTES of each, as far as the request's bytes go. */
export function headOfFileLoader(registry: Registry): DataLoader<ModuleFile, Buffer, string> {
  return fileLoader(
    CONTENT_BYTES_PER_REQUEST,
    (size) => Math.min(size, MAX_FILE_BYTES),
    (file) => readFile(registry, file),
  );
}

/** The SHA-256 of files, as far as the request's bytes go. */
export function sumOfFileLoader(registry: Registry): DataLoader<ModuleFile, string, string> {
  return fileLoader(
    SUMMED_BYTES_PER_REQUEST,
    (size) => size,
    (file) => sumOfFile(registry, file),
  );
}

/** Reads files one after another, as far as the request's bytes go. */
function fileLoader<V>(
  bytesPerRequest: number,
  bytesOf: (size: number) => number,
  read: (file: ModuleFile) => Promise<V>,
): DataLoader<ModuleFile, V, string> {
  let bytesLeft = bytesPerRequest;
  const load = async (file: ModuleFile): Promise<V | Error> => {
    const bytes = bytesOf(Number(file.size));
    if (bytes > bytesLeft)
      return new Failure(
        "too-large",
        `one request reads ${bytesPerRequest} bytes of files; ask for fewer, or fetch VERSION.zip from the Go endpoint`,
        { reason: "answer_too_large" },
      );
    bytesLeft -= bytes;
    return read(file).catch((error: Error) => error);
  };
  return new DataLoader(
    async (files) => {
      const read: (V | Error)[] = [];
      for (const file of files) read.push(await load(file));
      return read;
    },
    { cacheKeyFn: ({ from, path }) => `${from.zip.sha256} ${path}` },
  );
}
