// A server that stops leaves nothing in memory, and cuts nobody off: not a client that has taken half of an answer that came
// from memory, though Node knows nothing of one to a request that came again, and calls the connection idle of one that it was
// handed whole.
import { randomBytes } from "node:crypto";
import net from "node:net";
import { expect, test } from "vitest";
import { startApp } from "../../src/app.ts";
import { garbageCollector } from "../../src/concurrency/streamed-garbage.ts";
import { readConfig } from "../../src/config.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { createUser } from "../../src/registry/forge/users.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { testDatabase } from "../support/database.ts";
import { zipOf } from "../support/fake-upstream.ts";
import { ask, bearer } from "../support/http.ts";
import { ADMIN_TOKEN, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

const LIB = "gokura.test/ann/lib";
/** More than the kernel holds for a client that reads nothing, and less than is kept in memory. */
const BYTES = 7_000_000;
const MEMORY = "128M";

test("a client that has taken half of an answer from memory is given the rest before the server ends", async () => {
  const server = await testServer({ environment: { GOKURA_HOT_CACHE_BYTES: MEMORY } });
  await createUser(server.registry, OPERATOR, { username: "ann" });
  await createProject(server.registry, OPERATOR, { fullPath: "ann/lib", visibility: "PUBLIC" });
  const zip = await zipOf(`${LIB}@v1.0.0`, {
    "go.mod": `module ${LIB}\n`,
    "b.bin": randomBytes(BYTES).toString("latin1"),
  });
  const put = await ask(server.url, `/api/v4/projects/ann%2Flib/packages/go/${LIB}/@v/v1.0.0.zip`, {
    ...{ method: "PUT", headers: bearer(ADMIN_TOKEN), body: zip },
  });
  expect(put.status).toBe(201);
  const socket = net.connect(server.port, "127.0.0.1");
  let [heard, closed, isLast] = [0, false, false];
  socket.on("data", (chunk) => {
    heard += chunk.length;
    if (isLast) socket.pause(); // at its first bytes: the whole may be here before this test has its next turn
    isLast = false;
  });
  socket.once("close", () => {
    closed = true;
  });
  const get = (): void =>
    void socket.write(
      `GET /api/v4/packages/go/${LIB}/@v/v1.0.0.zip HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n`,
    );
  // Made, kept, and known by its bytes.
  let whole = 0;
  for (let n = 1; n <= 3; n++) {
    get();
    await expect.poll(() => heard, { timeout: 20_000 }).toBeGreaterThan(n * zip.length);
    if (n === 1) whole = heard;
  }
  const before = heard;
  isLast = true;
  get();
  await expect.poll(() => heard).toBeGreaterThan(before);
  const stopped = server.stop();
  await expect
    .poll(() =>
      ask(server.url, "/-/health").then(
        ({ status }) => status,
        () => "refused",
      ),
    )
    .toBe("refused");
  const half = heard;
  expect(half - before).toBeLessThan(zip.length);
  socket.resume();
  await expect.poll(() => closed, { timeout: 20_000 }).toBe(true);
  await stopped;
  expect(heard - before).toBeGreaterThan(zip.length);
  expect(heard - before).toBeLessThanOrEqual(whole);
});

test("nothing of a server that has stopped stays in memory", async () => {
  const stopped = async (): Promise<WeakRef<object>> => {
    const config = readConfig({
      DATABASE_URL: await testDatabase(),
      GOKURA_DATA_DIR: temporary("stopped"),
      GOKURA_LISTEN: "127.0.0.1:0",
      GOKURA_MODULE_HOST: "gokura.test",
      GOKURA_ADMIN_TOKEN: ADMIN_TOKEN,
    });
    const app = await startApp(config, createLog("error", { write() {} }));
    expect((await ask(app.url, "/-/health")).status).toBe(200);
    await app.stop();
    return new WeakRef(app.registry);
  };
  const left = await stopped();
  const collected = (): boolean => {
    garbageCollector()();
    return left.deref() === undefined;
  };
  await expect.poll(collected).toBe(true);
});
