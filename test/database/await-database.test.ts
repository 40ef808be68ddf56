// What a start does about a PostgreSQL that cannot be used: waits where waiting can help, and says what to check.
import { expect, inject, test } from "vitest";
import { awaitDatabase } from "../../src/database/client.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { cuttableLink, over } from "../support/cuttable-link.ts";

const { admin } = inject("postgres");
const { port: serverPort, password } = new URL(admin);

interface Attempt {
  /** What it said in the end; undefined when the database answered. */
  readonly failure: string | undefined;
  readonly kind: string | undefined;
  readonly logged: string[];
  /** Wall time: what is waited for is at least what was said, on a busy machine longer. */
  readonly ms: number;
}

async function attempt(url: string, patienceMs: number, stop?: AbortSignal, logged: string[] = []): Promise<Attempt> {
  const log = createLog("trace", { write: (line: string) => void logged.push(line) });
  const start = performance.now();
  const outcome = await awaitDatabase(url, log, patienceMs, stop).then(
    () => undefined,
    (error: unknown) => error as Error & { kind?: string },
  );
  return { failure: outcome?.message, kind: outcome?.kind, logged, ms: performance.now() - start };
}

function changed(change: Partial<Pick<URL, "password" | "pathname" | "hostname">>): string {
  return Object.assign(new URL(admin), change).href;
}

test.concurrent("one that answers is taken at once", async () => {
  expect(await attempt(admin, 10_000)).toMatchObject({ failure: undefined, logged: [] });
});

test.concurrent("nothing listens: it is tried for as long as was said, told once, and then in one sentence", async () => {
  const link = await cuttableLink(Number(serverPort), false);
  const { failure, kind, logged, ms } = await attempt(over(link, admin), 1_200);
  expect(failure).toBe(
    `PostgreSQL at 127.0.0.1:${link.port}/postgres cannot be used: connect ECONNREFUSED 127.0.0.1:${link.port}. Check DATABASE_URL and that the server runs.`,
  );
  expect(kind).toBe("unavailable");
  expect(ms).toBeGreaterThan(1_000);
  expect(logged).toHaveLength(1);
  expect(JSON.parse(logged[0]!)).toMatchObject({
    level: "warn",
    msg: expect.stringContaining("does not answer yet"),
  });
  expect(failure + logged.join("")).not.toContain(password);
});

test.concurrent("one that comes up meanwhile is taken", async () => {
  const link = await cuttableLink(Number(serverPort), false);
  const told: string[] = [];
  const waiting = attempt(over(link, admin), 20_000, undefined, told);
  await expect.poll(() => told.length).toBe(1); // it has been tried
  await link.mend();
  const { failure, logged } = await waiting;
  expect(failure).toBeUndefined();
  expect(logged).toHaveLength(1);
});

test.concurrent("a port that takes connections and says nothing is no database either", async () => {
  const link = await cuttableLink(Number(serverPort));
  link.silence();
  const { failure, logged } = await attempt(over(link, admin), 100);
  expect(failure).toMatch(/cannot be used: (timeout expired|.*timeout)/i);
  expect(logged).toEqual([]); // once is enough
});

test.concurrent.each([
  ["a wrong password", { password: "hush-hush" }, /password authentication failed/],
  ["no password", { password: "" }, /password/],
  ["a database that is not there", { pathname: "/no_such_db" }, /"no_such_db" does not exist/],
  ["a host that has no name", { hostname: "no-such-host.invalid" }, /no-such-host\.invalid/],
] as const)("%s is told without waiting, and without the password", async (_, change, said) => {
  // A resolver that does not answer at all (EAI_AGAIN) may do so later: that is waited for.
  const url = changed(change);
  const { failure, logged } = await attempt(url, url.includes("invalid") ? 1_000 : 30_000);
  expect(failure).toMatch(/^PostgreSQL at \S+ cannot be used: .*\. Check DATABASE_URL and that the server runs\.$/s);
  expect(failure).toMatch(said);
  if (!failure?.includes("EAI_AGAIN")) expect(logged).toEqual([]); // who waits says so
  for (const secret of [password, "hush-hush"]) expect(failure + logged.join("")).not.toContain(secret);
});

test.concurrent("the waiting ends when we are told to stop", async () => {
  const link = await cuttableLink(Number(serverPort), false);
  const stop = new AbortController();
  const told: string[] = [];
  const waiting = attempt(over(link, admin), 30_000, stop.signal, told);
  await expect.poll(() => told.length).toBe(1);
  stop.abort(new Error("told to stop"));
  expect((await waiting).failure).toBe("told to stop");
});
