// The sender of hooks when it is closed while it tells one.
import http from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { announce } from "../../src/registry/forge/hook-events.ts";
import { createHook } from "../../src/registry/forge/hooks.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { openHttp } from "../../src/upstream/guarded-http.ts";
import { startHookSender } from "../../src/upstream/hook-sender.ts";
import { atEnd } from "../support/at-end.ts";
import { testRegistry } from "../support/registry.ts";

test("who closes it waits for the attempt that is under way, and what else waits is due as before", async () => {
  const registry = await testRegistry();
  const held: (() => void)[] = [];
  const receiver = http.createServer((_req, res) => held.push(() => res.end("thanks")));
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
  atEnd(async () => void receiver.close());
  const { id: groupId } = await createGroup(registry, OPERATOR, { fullPath: "acme" });
  const group = await registry.prisma.group.findUniqueOrThrow({ where: { id: groupId } });
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  await createHook(registry, OPERATOR, { group }, { url });
  await registry.prisma.$transaction(async (tx) => {
    for (let n = 0; n < 3; n++) await announce(tx, { groupId }, "tag.moved", [{ n }]);
  });
  const client = openHttp({ allowNetworks: ["127.0.0.0/8"], trustedHosts: new Set() });
  atEnd(async () => client.close());
  const sender = startHookSender(registry, client);
  await expect.poll(() => held.length).toBe(1);
  const closed = sender.close();
  held[0]!();
  await closed;
  expect(held).toHaveLength(1);
  const { rows } = await registry.database.pool.query(
    "SELECT status, attempts, next_attempt_at <= now() AS due FROM hook_delivery ORDER BY id",
  );
  const waiting = { status: null, attempts: 0, due: true };
  expect(rows).toEqual([{ status: 200, attempts: 1, due: null }, waiting, waiting]);
});
