// Plain SQL written as tagged templates, in the words that Prisma has for it, so that one function works in a transaction of
// Prisma's and in one of the pool itself. The latter prepares each statement once a connection (PostgreSQL documentation,
// "PREPARE"), at a tenth of what a statement costs through Prisma.
import type pg from "pg";

export interface Sql {
  $queryRaw<T = unknown>(text: TemplateStringsArray, ...values: unknown[]): PromiseLike<T>;
  /** Returns how many rows were touched. */
  $executeRaw(text: TemplateStringsArray, ...values: unknown[]): PromiseLike<number>;
}

/** A template's strings are the same object each time it is evaluated: each is turned into a statement once. */
const statements = new WeakMap<TemplateStringsArray, { readonly name: string; readonly text: string }>();
let number = 0;

function statementOf(strings: TemplateStringsArray): { readonly name: string; readonly text: string } {
  let statement = statements.get(strings);
  if (!statement) {
    statement = {
      name: `gokura-${++number}`,
      text: strings.reduce((text, string, index) => `${text}$${index}${string}`),
    };
    statements.set(strings, statement);
  }
  return statement;
}

/** Does some work in one transaction, which is rolled back if the work throws. */
export async function inTransaction<T>(pool: pg.Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  const run = <R extends pg.QueryResultRow>(strings: TemplateStringsArray, values: unknown[]) =>
    client.query<R>({ ...statementOf(strings), values });
  const sql: Sql = {
    $queryRaw: async <R>(strings: TemplateStringsArray, ...values: unknown[]) => (await run(strings, values)).rows as R,
    $executeRaw: async (strings, ...values) => (await run(strings, values)).rowCount ?? 0,
  };
  let broken: Error | undefined;
  try {
    await client.query("BEGIN");
    const result = await work(sql);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    // A connection that cannot even be rolled back is not used again.
    await client.query("ROLLBACK").catch((cause: Error) => {
      broken = cause;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/**
 * The rows of one statement, in no transaction: for lists whose conditions are put together (Prisma.sql), which through Prisma
 * take several times as long. Numbers of eight bytes come as text.
 */
export async function readRows<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  { text, values }: { readonly text: string; readonly values: readonly unknown[] },
): Promise<Row[]> {
  const { rows } = await pool.query<Row>(text, [...values]);
  return rows;
}
