// node bench/crowd.ts: what Gokura and its PostgreSQL need at the most, as proportional set size, while a crowd is served that
// takes its time: 50 clients read warm zips of 50 MB slowly, and 10 ask at the same time for cold ones, which come from upstream.
// It must not depend on how many bytes somebody has not taken yet.
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startGokura } from "./gokura.ts";
import { type Memory, memoryOfAll } from "./process-tree.ts";
import { Upstream } from "./proxy/upstream.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    readers: { type: "string", default: "50" },
    cold: { type: "string", default: "10" },
    megabytes: { type: "string", default: "50" },
    seconds: { type: "string", default: "15" },
    checkout: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/crowd.ts [--readers 50] [--cold 10] [--megabytes 50] [--seconds 15] [--checkout DIRECTORY]
  --readers N    how many clients read a warm zip, 2 MB a second each
  --cold N       how many ask for a zip that is not here yet
  --megabytes N  how large a zip is
  --seconds N    how long they read
  --checkout D   measure the code in another checkout`);
  process.exit(0);
}
const READERS = Number(values.readers);
const COLD = Number(values.cold);
const MODULE = "example.com/bench/huge";
const WARM = 4;
/** So many bytes a reader takes in a tenth of a second. */
const PIECE = 200_000;

/** Asks for a zip, and reads it slowly until told to stop. */
async function readSlowly(url: string, stop: AbortSignal): Promise<void> {
  const request = http.get(url, { agent: false, signal: stop });
  request.on("error", () => {}); // stopped
  const [answer] = (await once(request, "response")) as [http.IncomingMessage];
  answer.on("error", () => {});
  while (!stop.aborted && !answer.readableEnded) {
    let taken = 0;
    for (let chunk = answer.read(); chunk !== null && taken < PIECE; chunk = answer.read()) taken += chunk.length;
    await delay(100);
  }
}

async function readAll(url: string): Promise<number> {
  const answer = await fetch(url);
  if (answer.status !== 200) throw new Error(`${url} answers ${answer.status}: ${await answer.text()}`);
  let bytes = 0;
  for await (const chunk of answer.body!) bytes += chunk.length;
  return bytes;
}

const directory = mkdtempSync(join(tmpdir(), "gokura-bench-crowd-"));
chmodSync(directory, 0o755); // as root, PostgreSQL runs as another user
const upstream = new Upstream();
try {
  await upstream.start();
  for (let n = 0; n < WARM + COLD; n++) await upstream.add(MODULE, `v1.${n}.0`, Number(values.megabytes) * 1_000_000);
  const settings = {
    GOKURA_UPSTREAM: upstream.url,
    GOKURA_UPSTREAM_VERIFY: "off",
    GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8",
  };
  const data = join(directory, "data");
  const gokura = await startGokura(data, settings, values.checkout);
  try {
    const zip = (n: number) => `${gokura.url}/api/v4/packages/go/${MODULE}/@v/v1.${n}.0.zip`;
    for (let n = 0; n < WARM; n++) await readAll(zip(n));
    await delay(5000);
    const atRest = memoryOfAll(gokura, data);
    let highest: Memory = atRest;
    const timer = setInterval(() => {
      const now = memoryOfAll(gokura, data);
      if (now.server + now.postgres > highest.server + highest.postgres) highest = now;
    }, 100);
    const stop = new AbortController();
    const readers = Array.from({ length: READERS }, (_, n) => readSlowly(zip(n % WARM), stop.signal));
    await delay(1000);
    await Promise.all(Array.from({ length: COLD }, (_, n) => readAll(zip(WARM + n))));
    await delay(Number(values.seconds) * 1000);
    clearInterval(timer);
    stop.abort();
    await Promise.all(readers);
    await delay(10_000);
    const afterwards = memoryOfAll(gokura, data);
    printTable([
      ["memory, MB", "server", "PostgreSQL", "together"],
      ...(
        [
          ["warm, at rest", atRest],
          [`highest, ${READERS} slow readers and ${COLD} cold zips`, highest],
          ["ten seconds after that", afterwards],
        ] as const
      ).map(([name, { server, postgres }]) => [
        name,
        server.toFixed(0),
        postgres.toFixed(0),
        (server + postgres).toFixed(0),
      ]),
    ]);
  } finally {
    await gokura.stop();
  }
} finally {
  upstream.stop();
  rmSync(directory, { recursive: true, force: true });
}
