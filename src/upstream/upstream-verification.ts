// Whether what came from upstream is what everybody else has: compared, before it is stored, with what a checksum database
// says and our own client has proved. The look-up begins when the download does, so that nobody waits twice.
//
//   require   what cannot be compared is not stored: the database has no record (refused, with the setting to change), or
//             cannot be asked (unavailable: it may be the network, and is tried again)
//   allow     it is stored all the same, and compared later by a job (verify-stored.ts)
//   off       nothing is compared
//
// In every mode sums that are known and differ are a reason to refuse. Toolchains are programs that the go command will run:
// they are compared always, whatever is set, as the go command does (cmd/go/internal/modfetch, checkModSum of
// golang.org/toolchain ignores GONOSUMDB).
import { Failure, isFailure } from "../errors.ts";
import { type ModulePath, matchPrefixPatterns } from "../gomod/module-path.ts";
import type { ExpectedSums, SumsVerdict } from "./admission.ts";
import type { VerifyMode } from "./policy.ts";
import type { PublicSums } from "./public-sums.ts";

/** The module of the programs of Go. */
export const TOOLCHAIN = "golang.org/toolchain";

export interface Verification {
  readonly mode: VerifyMode;
  /** Whether what is stored under a name must be what was proved of it. */
  covers(modulePath: string): boolean;
  /** Begins to find out what the sums of a version are. Never rejects but for what is a defect. */
  begin(modulePath: ModulePath, version: string): Promise<SumsVerdict>;
}

/** A verification that knows besides what whoever wants a version expects. What a database was proved to say comes first. */
export function expecting(
  verification: Verification,
  expected: (modulePath: ModulePath, version: string) => Promise<ExpectedSums | undefined>,
): Verification {
  return {
    ...verification,
    async begin(modulePath, version) {
      const found = await verification.begin(modulePath, version);
      const known = await expected(modulePath, version);
      if (known === undefined || found.kind === "refused") return found;
      if (found.kind !== "proved") return known;
      const { id, database } = found;
      for (const [said, recorded] of [
        [known.h1, found.h1],
        [known.goModH1, found.goModH1],
      ] as const)
        if (said !== undefined && said !== recorded)
          return {
            kind: "refused",
            failure: new Failure(
              "unavailable",
              `${modulePath}@${version}: ${known.by} says ${said}, but record ${id} of ${database} says ${recorded}`,
              { reason: "checksum_mismatch" },
            ),
          };
      return found;
    },
  };
}

export interface VerificationSettings {
  readonly mode: VerifyMode;
  /** Patterns as GONOSUMDB's: modules that no database knows, or may hear of. */
  readonly noSumdb: string;
}

/** `publicSums`: undefined when there is no database to ask. */
export function createVerification(
  { mode, noSumdb }: VerificationSettings,
  publicSums: PublicSums | undefined,
): Verification {
  const covers = (modulePath: string): boolean =>
    modulePath === TOOLCHAIN || (mode !== "off" && !matchPrefixPatterns(noSumdb, modulePath));
  return {
    mode,
    covers,
    async begin(modulePath, version) {
      if (!covers(modulePath)) return { kind: "unproved" };
      const isRequired = mode === "require" || modulePath === TOOLCHAIN;
      const otherwise = (failure: Failure): SumsVerdict =>
        isRequired ? { kind: "refused", failure } : { kind: "unproved" };
      const what = `${modulePath}@${version}`;
      if (!publicSums)
        return otherwise(
          new Failure("not-found", `${what} is not fetched: it must be verified, and GOKURA_SUMDB names no database`, {
            reason: "checksum_unknown",
          }),
        );
      try {
        const found = await publicSums.find(modulePath, version);
        if (found.kind === "proved") return found;
        if (found.kind !== "absent") return { kind: "unproved" };
        const said = found.text.trim() === "" ? "" : ` (${found.text.trim().split("\n", 1)[0]})`;
        return otherwise(
          new Failure(
            "not-found",
            `${what} is not fetched: ${publicSums.name} has no record of it${said}; a new version may be there in some minutes, and a private one belongs into GOKURA_UPSTREAM_NOSUMDB`,
            { reason: "checksum_unknown" },
          ),
        );
      } catch (error) {
        if (!isFailure(error)) throw error;
        return otherwise(
          new Failure(
            "unavailable",
            `${what} cannot be verified now: ${error.message}; with GOKURA_UPSTREAM_VERIFY=allow it would be stored and verified later`,
            { reason: "checksum_unverified", cause: error },
          ),
        );
      }
    },
  };
}
