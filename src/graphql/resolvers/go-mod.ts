// A go.mod file as people ask for it: its bytes as text, and what the go command reads in it.
import { isFailure } from "../../errors.ts";
import { type GoModFile, parseGoMod, type Requirement } from "../../gomod/go-mod-file.ts";
import { declaredModulePath, textOfGoMod } from "../../gomod/go-mod-line.ts";
import { MAX_READ_BYTES } from "../../registry/versions/readable-go-mod.ts";
import type { GoMod } from "../generated.ts";
import type { Loaders } from "../loaders.ts";
import { inTurn } from "../turns.ts";

/** The file, with its requirements as they stand in it: what they lead to is looked up when it is asked for. */
export type ReadGoModFile = Omit<GoMod, "requires" | "parseError"> & {
  readonly requires: readonly Requirement[];
  readonly parseError: string | null;
};

const read = new WeakMap<Buffer, Promise<ReadGoModFile>>();

/** Reads a file; one that cannot be parsed, or is too large to be, has empty lists, and says why. Each is read once. */
export function goModOf(bytes: Buffer, loaders: Loaders): Promise<ReadGoModFile> {
  const known = read.get(bytes) ?? inTurn(loaders, bytes.length, () => readGoModFile(bytes));
  read.set(bytes, known);
  return known;
}

function readGoModFile(bytes: Buffer): ReadGoModFile {
  const text = textOfGoMod(bytes);
  const { file, parseError } = bytes.length > MAX_READ_BYTES ? tooLarge(bytes) : parse(text);
  return {
    text,
    module: file?.module?.path || declaredModulePath(text) || null,
    go: file?.go ?? null,
    toolchain: file?.toolchain ?? null,
    requires: file?.requires ?? [],
    replaces: file?.replaces ?? [],
    excludes: file?.excludes ?? [],
    retracts: file?.retracts ?? [],
    parseError,
  };
}

function tooLarge({ length }: Buffer): { file?: undefined; parseError: string } {
  return { parseError: `go.mod has ${length} bytes; over ${MAX_READ_BYTES} only its module line is read` };
}

function parse(text: string): { file?: GoModFile; parseError: string | null } {
  try {
    return { file: parseGoMod(text), parseError: null };
  } catch (error) {
    if (isFailure(error, "invalid")) return { parseError: error.message };
    throw error;
  }
}
