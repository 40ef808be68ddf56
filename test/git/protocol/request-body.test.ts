// Bodies that end in odd ways, below HTTP: what nobody waits for any more must not fail unheard, which would end the process.
import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { setImmediate as everybodysTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { clientPace } from "../../../src/git/protocol/client-pace.ts";
import { requestBody } from "../../../src/git/protocol/request-body.ts";

test("a request that breaks after its reader was told to stop fails nowhere else", async () => {
  const unheard: unknown[] = [];
  const listen = (reason: unknown): void => void unheard.push(reason);
  process.on("unhandledRejection", listen);
  const req = Object.assign(new PassThrough(), { headers: { "content-type": "x" } }) as unknown as IncomingMessage;
  const ending = new AbortController();
  const body = requestBody(
    req,
    { type: "x", maxBytes: 100 },
    clientPace(() => {}),
    ending.signal,
  );
  req.push(Buffer.from("begun"));
  expect(String((await body.next()).value)).toBe("begun");
  ending.abort(new Error("stop"));
  await expect(body.next()).rejects.toThrow("stop");
  req.destroy(new Error("aborted"));
  for (let n = 0; n < 10; n++) await everybodysTurn();
  process.off("unhandledRejection", listen);
  expect(unheard).toEqual([]);
});

test("a client that moves nothing is too slow, however fast it was before", async () => {
  const told = Promise.withResolvers<void>();
  const pace = clientPace(told.resolve, 100);
  await pace.wait(Promise.resolve(), () => 1_000_000);
  void pace.wait(new Promise(() => {}), () => 0);
  await told.promise;
});
