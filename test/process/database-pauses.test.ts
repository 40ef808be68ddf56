// A database that pauses for seconds, under more pushes than there are connections: git has moved the refs by then, so what
// it says to each client must stay true. Either all of a push happened, or nothing had begun.

import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { expect, test } from "vitest";
import { openTagIndexer } from "../../src/git/indexing/tag-indexer.ts";
import { Repositories } from "../../src/git/objects/repositories.ts";
import { openPushes } from "../../src/git/push/project-push.ts";
import { findProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { atEnd } from "../support/at-end.ts";
import { eventually } from "../support/eventually.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { MODULE_HOST, testServer } from "../support/server.ts";

/** More than there are connections; longer than the pool and Prisma let anybody wait for one. */
const PUSHES = 18;
const PAUSE_MS = 7_000;

test("every push that git says went through is a version, however long its recording had to wait", async () => {
  const server = await testServer();
  const token = await server.token("alice");
  const projects = Array.from({ length: PUSHES }, (_, n) => `alice/lib${n}`);
  const prepared = await Promise.all(
    projects.map((path) =>
      pushRecipe(remoteOf(server.url, path, token), (r) =>
        r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE_HOST}/${path}\n` })),
      ),
    ),
  );
  for (const [n, repository] of prepared.entries())
    repository.change((r) => r.tag("v1.1.0", r.commit({ "a.go": `package lib${n}\n` })));

  const database = new pg.Client(server.registry.database.url);
  await database.connect();
  atEnd(() => database.end());
  await database.query("begin");
  await database.query("lock table ref in access exclusive mode");
  const pushing = Promise.all(
    prepared.map((repository) =>
      repository.push().then(
        () => "pushed",
        (error: Error) => error.message,
      ),
    ),
  );
  await delay(PAUSE_MS); // time is the subject
  await database.query("rollback");
  const outcomes = await pushing;
  expect(outcomes.filter((outcome) => outcome === "pushed").length).toBeGreaterThan(PUSHES / 2);
  for (const [n, path] of projects.entries()) {
    // Whoever came too late for a connection was refused before anything moved.
    const expected = outcomes[n] === "pushed" ? "v1.0.0\nv1.1.0\n" : "v1.0.0\n";
    const list = `/api/v4/projects/${encodeURIComponent(path)}/packages/go/${MODULE_HOST}/${path}/@v/list`;
    const text = await eventually(
      async () => (await ask(server.url, list, { headers: bearer(token) })).text,
      (found) => found === expected,
      5_000,
    );
    expect(text, `${path}: ${outcomes[n]}`).toBe(expected);
  }
  const { rows } = await database.query("select count(*)::int as open from project where push_started_at is not null");
  expect(rows).toEqual([{ open: 0 }]);
});

test("one that waits for longer than a client may be kept waiting is recorded by itself, and the next one after it", async () => {
  const server = await testServer();
  const { registry } = server;
  const token = await server.token("alice");
  await pushRecipe(remoteOf(server.url, "alice/lib", token), (r) => r.tag("v1.0.0", r.commit({ "a.go": "package a" })));
  const repositories = new Repositories();
  atEnd(() => repositories.close());
  const database = new pg.Client(registry.database.url);
  await database.connect();
  atEnd(() => database.end());
  const project = (await findProject(registry, "alice/lib"))!;
  const hooks = { changed: () => {}, stopping: () => false };
  const patience = { toRecordMs: 500, forEarlierMs: 500 };
  const pushes = openPushes(registry, repositories, openTagIndexer(registry, repositories), hooks, patience);

  await pushes.begin(project, OPERATOR, []);
  await database.query("begin");
  await database.query("lock table ref in access exclusive mode");
  const done = { commands: [], moved: new Set<string>(), packTooLarge: false };
  expect(await pushes.end(project, done)).toEqual([expect.stringContaining("become versions")]);
  await expect(pushes.begin(project, OPERATOR, [])).rejects.toThrow("push again in a moment");
  await database.query("commit");
  const marked = async () => (await database.query("select push_started_at as at from project")).rows[0].at;
  expect(await eventually(marked, (at) => at === null, 10_000)).toBeNull();
  await pushes.begin(project, OPERATOR, []);
  expect(await pushes.end(project, done)).toEqual([]);
});
