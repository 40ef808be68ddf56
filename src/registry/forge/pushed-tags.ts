// Who brought a tag, at the commit that it named then: what is published from a tag stays as it was, and so does the answer to
// who published it, whoever moves the tag afterwards. One row for each tag and commit, however many a push brings: the audit
// trail names the first of them alone (recorded-refs.ts).
import type { Transaction } from "../../database/client.ts";
import { mayAct } from "../access/access.ts";
import { credentialOf, nameOfPrincipal, type Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { ProjectRow } from "../rows.ts";
import { TAGS } from "./ref-names.ts";

/** Who published something, by which token or identity, and when. */
export interface Publisher {
  /** As the audit trail calls who it was. */
  readonly actor: string;
  readonly credential: Readonly<Record<string, string | number>>;
  readonly at: Date;
}

/** Writes down who brought which tags, the first time that they name that commit, in the transaction that records their refs. */
export async function recordPushedTags(
  tx: Transaction,
  projectId: number,
  refs: readonly { readonly name: string; readonly peeled: string }[],
  pusherOf: (ref: string) => Principal | undefined,
): Promise<void> {
  const tags = refs.filter(({ name }) => name.startsWith(TAGS));
  for (const [pusher, brought] of Map.groupBy(tags, ({ name }) => pusherOf(name))) {
    if (pusher === undefined) continue;
    const names = brought.map(({ name }) => name.slice(TAGS.length)).join("\n");
    const commits = brought.map(({ peeled }) => peeled).join("\n");
    await tx.$executeRaw`INSERT INTO pushed_tag (project_id, tag, "commit", actor, credential)
      SELECT ${projectId}, tag, "commit", ${nameOfPrincipal(pusher)}, ${JSON.stringify(credentialOf(pusher))}::jsonb
      FROM unnest(string_to_array(${names}, E'\\n'), string_to_array(${commits}, E'\\n')) AS new (tag, "commit")
      ON CONFLICT DO NOTHING`;
  }
}

/**
 * Who pushed the tag that a version was made of; undefined if that was not noted, or is not for the principal: it is told to
 * those alone who may know who the members of the project are.
 */
export async function publisherOfTag(
  registry: Registry,
  principal: Principal,
  project: ProjectRow,
  { ref, commit }: { readonly ref: string | null; readonly commit: string | null },
): Promise<Publisher | undefined> {
  if (!ref?.startsWith(TAGS) || commit === null || !mayAct(principal, "member.list", project)) return undefined;
  const { rows } = await registry.database.pool.query<Publisher>({
    name: "publisher-of-tag",
    text: `SELECT actor, credential, at FROM pushed_tag WHERE project_id = $1 AND tag = $2 AND "commit" = $3`,
    values: [project.id, ref.slice(TAGS.length), commit],
  });
  return rows[0];
}
