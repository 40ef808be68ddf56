// The first start: a registry without users gets its administrator and a token for it, and the Go proxy is switched on
// for everybody. It asks nothing, does it once, and says what it did.
import { OPERATOR } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { GO_PROXY, setFlag } from "./feature-flags.ts";
import { createPersonalToken } from "./tokens.ts";
import { createUser, findUser } from "./users.ts";

const ADMINISTRATOR = "root";

/** One setup at a time, however many servers start together. */
const SETUP_LOCK = 7_166_802;

/** What the first start made. */
export interface FirstSetup {
  readonly username: string;
  readonly secret: string;
  /** Whether the administrator gave the token (GOKURA_ADMIN_TOKEN), so that it need not be shown. */
  readonly given: boolean;
}

/** Sets an empty registry up; undefined when that was done before. */
export async function setUp(registry: Registry, adminToken: string | undefined): Promise<FirstSetup | undefined> {
  const client = await registry.database.pool.connect();
  try {
    await client.query("SELECT pg_advisory_lock($1)", [SETUP_LOCK]);
    // The token comes last: a setup that was cut off before it is taken up again.
    const { rows } = await client.query<{ done: boolean }>(
      'SELECT EXISTS (SELECT FROM token) OR (SELECT count(*) > 1 FROM "user") AS done',
    );
    if (rows[0]!.done) return undefined;
    if (!(await findUser(registry, ADMINISTRATOR))) {
      await setFlag(registry, OPERATOR, GO_PROXY, true);
      await createUser(registry, OPERATOR, {
        username: ADMINISTRATOR,
        name: "Administrator",
        // GitLab's programs take it for granted that an administrator has an address.
        email: `${ADMINISTRATOR}@${registry.moduleHost}`,
        admin: true,
      });
    }
    const { secret } = await createPersonalToken(registry, OPERATOR, ADMINISTRATOR, {
      name: "first administrator",
      scopes: ["api", "read_repository", "write_repository"],
      ...(adminToken === undefined ? {} : { secret: adminToken }),
    });
    return { username: ADMINISTRATOR, secret, given: adminToken !== undefined };
  } finally {
    await client.query("SELECT pg_advisory_unlock($1)", [SETUP_LOCK]).catch(() => {});
    client.release();
  }
}
