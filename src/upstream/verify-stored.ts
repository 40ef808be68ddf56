// What is stored and was never compared with a checksum database is compared by and by: what came before there was one, or
// while it was away and GOKURA_UPSTREAM_VERIFY was `allow`. What turns out to be something else than everybody else has is
// quarantined: nobody is served it from then on (refusals.ts, demandUncontradicted), in no server, from memory either, and
// administrators hear of it. It is not deleted, for it is the evidence.
import type { VerifyStoredPayload } from "../jobs/verify-stored.ts";
import { quarantinedVersions, unprovedVersions } from "../registry/checksums/proved-sums.ts";
import type { Registry } from "../registry/registry.ts";
import { recordUpstreamEvent } from "../registry/versions/upstream-modules.ts";
import type { PublicSums } from "./public-sums.ts";
import type { Verification } from "./upstream-verification.ts";

/** Versions that one run looks at; the rest is the next run's. */
const IN_ONE_RUN = 200;
/** Look-ups at the same time: nobody waits for them. */
const AT_ONCE = 4;
/** How often those are tried again that may be stored unverified. */
const AGAIN_MS = 15 * 60_000;

/** Compares versions with numbers after one; leaves a job for more. Rejects when the database cannot be asked. */
export async function verifyStoredVersions(
  registry: Registry,
  verification: Verification,
  publicSums: PublicSums | undefined,
  { after }: VerifyStoredPayload,
): Promise<void> {
  if (!publicSums) return;
  const versions = await unprovedVersions(registry, after, IN_ONE_RUN);
  const remaining = versions.values();
  const verifySome = async (): Promise<void> => {
    for (const { modulePath, version } of remaining) {
      if (!verification.covers(modulePath)) continue;
      // A version without a record stays as it is: it may have been private, or its record may come.
      if ((await publicSums.find(modulePath, version)).kind !== "proved") continue;
      const [wrong] = await quarantinedVersions(registry, modulePath, version);
      if (!wrong) continue;
      const { stored, h1, goModH1, database, id } = wrong;
      await recordUpstreamEvent(registry, "upstream.mismatch", `${modulePath}@${version}`, {
        ...{ upstream: "stored before", reason: "what is stored is not what the record says; it is quarantined" },
        ...{ stored: stored.h1 ?? "", recorded: h1, storedGoMod: stored.goModH1 ?? "", recordedGoMod: goModH1 },
        ...{ database, id },
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, verifySome));
  if (versions.length === IN_ONE_RUN) await registry.jobs.continueWalk("verify-stored", { after: versions.at(-1)!.id });
}

/** Has it done now, and again where something may be stored unverified. */
export async function keepVerified(
  registry: Registry,
  verification: Verification,
): Promise<{ close(): Promise<void> }> {
  if (verification.mode === "off") return { close: async () => {} };
  await registry.jobs.beginWalk("verify-stored", { after: 0 });
  const again = (): void => {
    registry.jobs.beginWalk("verify-stored", { after: 0 }).catch((error: unknown) => {
      registry.log.warn({ err: error }, "stored modules are not verified yet; it is tried again");
    });
  };
  const timer = verification.mode === "allow" ? setInterval(again, AGAIN_MS).unref() : undefined;
  return { close: async () => clearInterval(timer) };
}
