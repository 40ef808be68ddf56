// A go.mod file as people ask for it: its bytes as text, and what the go command reads in it.
import { isFailure } from "../../errors.ts";
import { type GoModFile, parseGoMod, type Requirement } from "../../gomod/go-mod-file.ts";
import { declaredModulePath, textOfGoMod } from "../../gomod/go-mod-line.ts";
import type { GoMod } from "../generated.ts";

/** The file, with its requirements as they stand in it: what they lead to is looked up when it is asked for. */
export type ReadGoModFile = Omit<GoMod, "requires" | "parseError"> & {
  readonly requires: readonly Requirement[];
  readonly parseError: string | null;
};

/** Reads a file; one that cannot be parsed has empty lists, and says why. */
export function goModOf(bytes: Buffer): ReadGoModFile {
  const text = textOfGoMod(bytes);
  const { file, parseError } = parse(text);
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

function parse(text: string): { file?: GoModFile; parseError: string | null } {
  try {
    return { file: parseGoMod(text), parseError: null };
  } catch (error) {
    if (isFailure(error, "invalid")) return { parseError: error.message };
    throw error;
  }
}
