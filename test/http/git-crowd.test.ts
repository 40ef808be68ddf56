// Many clients of git at once, some of them hostile: whoever drips a request or does not read the answer keeps nobody else
// from being served.
import { randomBytes } from "node:crypto";
import net from "node:net";
import { afterEach, beforeAll, expect, test } from "vitest";
import { packet } from "../../src/git/protocol/pkt-line.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { git, type PushedRepository, pushRecipe, remoteOf, tryGit } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";

const MANY = 40;

let server: TestServer;
let token: string;
let pushed: PushedRepository;
const sockets: net.Socket[] = [];

beforeAll(async () => {
  server = await testServer();
  token = await server.token("alice");
  await createProject(server.registry, OPERATOR, { fullPath: "alice/public", visibility: "PUBLIC" });
  pushed = await pushRecipe(remoteOf(server.url, "alice/public", token), (r) =>
    r.tag("v1.0.0", r.commit({ "go.mod": "module gokura.test/alice/public\n", "big.bin": randomBytes(8_000_000) })),
  );
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** The beginning of a request of git's whose body is to have so many bytes. */
async function open(service: string, length: number, headers = ""): Promise<net.Socket> {
  const socket = net.connect(server.port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(
    `POST /alice/public.git/${service} HTTP/1.1\r\nHost: x\r\n${headers}Content-Type: application/x-${service}-request\r\nContent-Length: ${length}\r\n\r\n`,
  );
  return socket;
}

const lsRemote = (...settings: string[]) => tryGit([...settings, "ls-remote", `${server.url}/alice/public.git`]);

test.each([
  ["git-upload-pack", ""],
  ["git-receive-pack", "Authorization: Bearer "],
])(
  "%s: requests that drip hold nothing that others need",
  async (service, authorization) => {
    const headers = authorization === "" ? "" : `${authorization}${token}\r\n`;
    const drips = await Promise.all(Array.from({ length: MANY }, () => open(service, 1_000, headers)));
    const drip = setInterval(() => {
      for (const socket of drips) socket.write("x");
    }, 200);
    try {
      for (const socket of drips) socket.write("03e8");
      const anonymous = await lsRemote();
      expect([anonymous.status, anonymous.output]).toEqual([0, expect.stringContaining("refs/tags/v1.0.0")]);
      pushed.change((r) => void r.commit({ [service]: "pushed meanwhile\n" }));
      expect(await pushed.push("main")).toContain("main -> main");
    } finally {
      clearInterval(drip);
    }
  },
  40_000,
);

test("who does not read what it asked for keeps slots from itself alone", async () => {
  const oid = (await git(["-C", pushed.directory, "rev-parse", "v1.0.0"])).trim();
  const want = Buffer.concat([packet(`want ${oid} side-band-64k\n`), Buffer.from("0000"), packet("done\n")]);
  for (let n = 0; n < MANY; n++) {
    const socket = await open("git-upload-pack", want.length);
    socket.pause();
    socket.write(want);
  }
  // At once signed in: git would ask without credentials first, as one of those at this address.
  expect((await lsRemote("-c", `http.extraHeader=Authorization: Bearer ${token}`)).status).toBe(0);
}, 40_000);
