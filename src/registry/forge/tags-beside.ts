// The tags whose names stand beside that of another one: v1.8.3 beside v1.8.4. Mostly their histories stand beside each other too.
import type { Registry } from "../registry.ts";
import { TAGS } from "./ref-names.ts";

/** So many on either side. */
const EITHER_SIDE = 4;

/** The recorded tags of a project beside some refs, by full names; beside branches there are none. */
export async function tagsBeside(
  registry: Registry,
  projectId: number,
  refs: readonly { readonly name: string }[],
): Promise<readonly string[]> {
  const tags = refs.map(({ name }) => name).filter((name) => name.startsWith(TAGS));
  if (tags.length === 0) return [];
  const { rows } = await registry.database.pool.query<{ name: string }>(
    `SELECT DISTINCT beside.name FROM unnest($2::text[]) AS tag (name) CROSS JOIN LATERAL (
      (SELECT name FROM ref WHERE project_id = $1 AND name < tag.name ORDER BY name DESC LIMIT $3)
      UNION ALL (SELECT name FROM ref WHERE project_id = $1 AND name > tag.name ORDER BY name LIMIT $3)) AS beside
      WHERE starts_with(beside.name, $4)`,
    [projectId, tags, EITHER_SIDE, TAGS],
  );
  return rows.map(({ name }) => name);
}
