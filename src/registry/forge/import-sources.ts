// Organisations elsewhere whose repositories are mirrored here: remembered, so that a repeated import knows what it has made, by
// the numbers that repositories have at their forge. The one credential of an import is that of all its mirrors.
import type { Forge } from "../../database/generated/client.ts";
import { demandGroupAct } from "../access/access.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { type CredentialRow, type GroupRow, type MirrorRow, WITH_REMOTE } from "../rows.ts";
import { credentialFor, dropUnusedCredential, storeCredential } from "./credentials.ts";
import { type GitHubApp, parseRemoteUrl, type RemoteCredential } from "./remote-url.ts";

export interface ImportSource {
  readonly id: number;
  readonly credentialId: number | null;
}

/** Remembers an organisation that is imported into a group. Given credentials take the place of those before, for all its mirrors. */
export async function rememberImport(
  registry: Registry,
  principal: Principal,
  group: GroupRow,
  from: { readonly url: string; readonly forge: Forge; readonly credential: RemoteCredential | GitHubApp | undefined },
): Promise<ImportSource> {
  demandGroupAct(principal, "mirror.create", group);
  const { url, forge } = from;
  const address = parseRemoteUrl(url);
  const credential = from.credential && credentialFor(address, from.credential, "");
  return change(registry, "somebody imports that organisation at this moment", async (tx) => {
    const key = { groupId_url: { groupId: group.id, url } };
    const known = await tx.importSource.findUnique({ where: key });
    const before = known?.credentialId ?? null;
    const credentialId = credential ? await storeCredential(registry, tx, address.origin, credential) : before;
    const source = await tx.importSource.upsert({
      where: key,
      create: { groupId: group.id, url, forge, credentialId },
      update: { forge, credentialId },
    });
    if (credentialId !== before) {
      await tx.mirror.updateMany({ where: { importSourceId: source.id }, data: { credentialId } });
      await dropUnusedCredential(tx, before);
    }
    await audit(tx, principal, "import.organization", group.fullPath, { url, forge });
    return source;
  });
}

/** The credential that an earlier import of an organisation into a group was given; null: there was none. */
export async function credentialOfImport(
  registry: Registry,
  principal: Principal,
  group: GroupRow,
  url: string,
): Promise<CredentialRow | null> {
  demandGroupAct(principal, "mirror.create", group);
  const key = { groupId_url: { groupId: group.id, url } };
  const known = await registry.prisma.importSource.findUnique({ where: key, include: { credential: true } });
  return known?.credential ?? null;
}

/** What an import of an organisation into a group has made, by the number of the repository there. */
export async function importedMirrors(
  registry: Registry,
  group: GroupRow,
  url: string,
): Promise<Map<string, MirrorRow>> {
  const rows = await registry.prisma.mirror.findMany({
    where: { importSource: { groupId: group.id, url } },
    include: WITH_REMOTE,
  });
  return new Map(rows.map((row) => [row.externalId!, row]));
}
