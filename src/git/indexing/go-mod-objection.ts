// What the go command has against a go.mod once a module is required by its path: it has to parse as a dependency's
// (modfile.ParseLax), and its module line has to name that very path ("module declares its path as …",
// cmd/go/internal/modload/modfile.go). Of a module in a replace directive only the first is asked.
import { declaredModulePath } from "../../gomod/go-mod-line.ts";
import { readGoMod } from "../../registry/versions/readable-go-mod.ts";
import type { ModuleAtCommit } from "./module-at-commit.ts";

/** Why the go command refuses a module to whoever requires it by its path, and what its author can do; or undefined. */
export function goModObjection(
  modulePath: string,
  { goMod, legacy }: Pick<ModuleAtCommit, "goMod" | "legacy">,
): string | undefined {
  if (legacy) return undefined; // made up by us
  return pathObjection(modulePath, goMod) ?? parseObjection(goMod);
}

/** Why the go command cannot parse a go.mod; or undefined, also for one that is too large for us to parse. */
export function parseObjection(goMod: Buffer): string | undefined {
  const { problem, isInvalid } = readGoMod(goMod);
  return isInvalid ? problem : undefined;
}

function pathObjection(modulePath: string, goMod: Buffer): string | undefined {
  const declared = declaredModulePath(goMod);
  if (declared === modulePath) return undefined;
  return (
    `go.mod declares module ${declared}, not ${modulePath}: go get refuses it; change the module line, make ` +
    `${declared} the project's module prefix, or have the project list refused tags, for use in replace directives`
  );
}
