// When an issuer of ID tokens is asked for its keys, how long they count while it is away, and what it must not say. Over https,
// with a clock of the test's own.
import { beforeEach, describe, expect, test } from "vitest";
import { createLog } from "../../src/telemetry/log.ts";
import { openHttp } from "../../src/upstream/guarded-http.ts";
import { type IssuerKeys, openIssuerKeys } from "../../src/upstream/issuer-keys.ts";
import { atEnd } from "../support/at-end.ts";
import { startIssuer } from "../support/issuer.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const issuer = await startIssuer();
const http = openHttp({ allowNetworks: ["127.0.0.0/8", "::1/128"], trustedHosts: new Set(), caFile: issuer.caFile });
atEnd(async () => http.close());

let now: number;
let keys: IssuerKeys;
/** How often the issuer was asked since the test began. */
let before: number;

beforeEach(() => {
  now = Date.UTC(2026, 0, 1);
  keys = openIssuerKeys(http, createLog("silent"), () => now);
  issuer.answer(undefined);
  before = issuer.asked();
});

const kids = async (kid?: string) => (await keys.of(issuer.url, kid)).keys.map((key) => key.kid);
const asked = (): number => issuer.asked() - before;
const away = () => issuer.answer(() => ({ status: 503, body: "" }));

describe("keys are", () => {
  test("fetched once for all who ask at once, and kept for ten minutes", async () => {
    const [first] = await kids();
    await Promise.all(Array.from({ length: 20 }, () => kids(first)));
    now += 9 * MINUTE;
    await kids(first);
    expect(asked()).toBe(1);
    now += 2 * MINUTE;
    await kids(first);
    expect(asked()).toBe(2);
  });

  test("looked for again when a token names one that is not known, but a flood of unknown ones costs one question", async () => {
    const [old] = await kids();
    await issuer.rotate();
    now += MINUTE;
    const [fresh] = await kids("key-of-tomorrow");
    expect([fresh === old, asked()]).toEqual([false, 2]);
    for (let i = 0; i < 50; i++) await kids(`made-up-${i}`);
    expect(asked()).toBe(2);
  });

  test("believed for a day while the issuer is away, then no more", async () => {
    const [known] = await kids();
    away();
    now += 23 * HOUR;
    expect(await kids(known)).toEqual([known]);
    now += 2 * HOUR;
    await expect(kids(known)).rejects.toMatchObject({ kind: "unavailable", reason: "issuer_unavailable" });
    issuer.answer(undefined);
    await expect(kids(known)).rejects.toMatchObject({ reason: "issuer_unavailable" });
    now += MINUTE;
    expect(await kids(known)).toEqual([known]);
  });

  test("not asked for more than twice a minute of an issuer that is away", async () => {
    let requests = 0;
    issuer.answer(() => {
      requests++;
      return { status: 503, body: "" };
    });
    for (let i = 0; i < 20; i++) {
      await expect(kids()).rejects.toMatchObject({ reason: "issuer_unavailable" });
      now += 3_000;
    }
    expect(requests).toBe(2);
  });
});

test.each([
  ["is no JSON", "<html>", /no JSON object/],
  [
    "is of another issuer",
    '{"issuer":"https://evil.example.com","jwks_uri":"https://evil.example.com/keys"}',
    /of the issuer/,
  ],
  ["has keys without https", `{"issuer":"${issuer.url}","jwks_uri":"http://localhost/keys"}`, /jwks_uri with https/],
  [
    "leads to a private address",
    `{"issuer":"${issuer.url}","jwks_uri":"https://10.1.2.3/keys"}`,
    /GOKURA_ALLOW_PRIVATE_NETWORKS/,
  ],
  ["is endless", `{"issuer":"${"x".repeat(300_000)}"}`, /more than the \d+ bytes/],
])("a discovery document that %s is refused, and the reason is told", async (_, body, reason) => {
  issuer.answer(() => ({ status: 200, body }));
  await expect(kids()).rejects.toThrow(reason);
});
