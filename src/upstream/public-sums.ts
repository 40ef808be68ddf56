// The sums of modules that are nobody's here, as a checksum database of others says them, proved (proved-database.ts). What was
// proved once is kept for all servers, so one question serves .mod and .zip, the copy of a module that is fetched again, and
// our own log. Names that nobody outside may hear of are never told to a database: those that are ours or private, and those
// that GOKURA_UPSTREAM_NOSUMDB names.
import { createSingleFlight } from "../concurrency/single-flight.ts";
import type { ModulePath } from "../gomod/module-path.ts";
import { findProvedSums, keepProvedSums, type ProvedSums } from "../registry/checksums/proved-sums.ts";
import type { Registry } from "../registry/registry.ts";
import type { ProvedDatabase } from "./proved-database.ts";
import type { Absence } from "./upstream-client.ts";

/** The sums of a version, proved. */
export interface FoundSums extends ProvedSums {
  readonly kind: "proved";
}

export interface PublicSums {
  /** That of the database that is asked. */
  readonly name: string;
  /**
   * The proved sums of a version, or the word of the database that it has none. `unasked`: nobody may be asked about the name.
   * `exempt`: because GOKURA_UPSTREAM_NOSUMDB says so. Throws unavailable when the database cannot be asked, or is not to be
   * believed.
   */
  find(modulePath: ModulePath, version: string): Promise<FoundSums | Absence | { readonly kind: "unasked" | "exempt" }>;
}

/** `mayAsk`: whether a database may hear of a name; `isExempt`: whether that is so because a pattern of the administrator's names it. */
export function createPublicSums(
  registry: Registry,
  database: ProvedDatabase,
  mayAsk: (modulePath: ModulePath) => Promise<boolean>,
  isExempt: (modulePath: ModulePath) => boolean,
): PublicSums {
  const finding = createSingleFlight<string>();
  return {
    name: database.name,
    find: (modulePath, version) =>
      finding.run(`${modulePath}@${version}`, async () => {
        const known = await findProvedSums(registry, modulePath, version);
        if (known) return { kind: "proved", ...known } as const;
        if (isExempt(modulePath)) return { kind: "exempt" } as const;
        if (!(await mayAsk(modulePath))) return { kind: "unasked" } as const;
        const answer = await database.lookup(modulePath, version);
        if (answer.kind === "absent") return answer;
        const { h1, goModH1, id } = answer;
        const sums = { h1, goModH1, id, database: database.name };
        await keepProvedSums(registry, modulePath, version, sums);
        return { kind: "proved", ...sums } as const;
      }),
  };
}
