// The table "Releases of go" in docs/go-clients.md, row by row: the go command on the PATH is run against servers that write down
// what they are asked, and what it did is what stands in the column of its release. `npm run conformance -- --go VERSION` tries
// another column. Why it is so says go's source, cmd/go/internal/web and cmd/go/internal/auth.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ensureSelfSigned } from "../../../src/http/self-signed-certificate.ts";
import { type FakeUpstream, fakeUpstream, type Handler } from "../../support/fake-upstream.ts";
import { goCommand } from "../../support/go.ts";
import { makeDatabase } from "../../support/sum-database.ts";
import { temporary } from "../../support/temporary.ts";

const MODULE = "example.com/m";
const INFO = `${MODULE}/@v/v1.0.0.info`;
const FOUND = '{"Version":"v1.0.0"}';
const LOGIN = "login alice password secret";

const directory = temporary("releases");
const certificate = await ensureSelfSigned(join(directory, "tls"), ["127.0.0.1"]);
const plain = await fakeUpstream();
const tls = await fakeUpstream(undefined, { tls: certificate });

/** The rows of the table: what they are about, and what they say of each release, "the same" as of the one before. */
const [[, ...releases], , ...rows] = readFileSync("docs/go-clients.md", "utf8")
  .split("\n## Releases of go\n")[1]!
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .map((line) => line.slice(1, -1).split("|"))
  .map((cells) => cells.map((cell) => cell.trim())) as [string[], string[], ...string[][]];
const running = /go(\d+\.\d+)/.exec(await goCommand({}).must("env", "GOVERSION"))![1]!;
const column = releases.indexOf(running);

interface Way {
  readonly answer?: string | Handler;
  readonly netrc?: readonly string[];
  /** Below which path the server is a proxy: "" or one that ends in a slash. */
  readonly below?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly words?: readonly string[];
}

interface Seen {
  /** For each request for .info its credentials: user:password, a token of a header of its own, or "" for none. */
  readonly credentials: readonly string[];
  readonly agent: string | undefined;
  /** The requests for .mod, which come next. */
  readonly mod: number;
  readonly output: string;
}

/** Has go ask a server for a version. */
async function seen(server: FakeUpstream, way: Way = {}): Promise<Seen> {
  const { answer = FOUND, netrc, below = "", env, words = ["list", "-m", `${MODULE}@v1.0.0`] } = way;
  const info = `${below}${INFO}`;
  const mod = info.replace(/info$/, "mod");
  const [infos, mods] = [server.count(info), server.count(mod)];
  server.on(info, answer);
  const go = goCommand({ GOPROXY: `${server.url}/${below}`, SSL_CERT_FILE: certificate.file, ...env }, netrc);
  const { output } = await go.run(...words);
  const headers = server.headers(info).slice(infos);
  const credentials = headers.map(({ authorization = "", "private-token": token = "" }) =>
    authorization === "" ? String(token) : atob(authorization.replace("Basic ", "")),
  );
  return { credentials, agent: headers[0]?.["user-agent"], mod: server.count(mod) - mods, output };
}

const failing =
  (status: number): Handler =>
  (_, res) =>
    res.writeHead(status, { "retry-after": "3600" }).end();
const times = ({ credentials }: Seen): string =>
  ["never asked", "asked once", "asked once more, at once"][credentials.length]!;
/** A program that prints something and writes its arguments into a file. */
function program(name: string, text: string): { file: string; calls: () => string[] } {
  const file = join(directory, name);
  writeFileSync(file, `#!/bin/sh\necho "with:$*" >> ${file}.calls\n${text}\n`, { mode: 0o755 });
  return { file, calls: () => readFileSync(`${file}.calls`, "utf8").trim().split("\n") };
}
plain.on(`${MODULE}/@v/v1.0.0.mod`, `module ${MODULE}\n`);
for (const below of ["", "a/", "a/b/"]) tls.on(`${below}${MODULE}/@v/v1.0.0.mod`, `module ${MODULE}\n`);

/** What happens, in the words of the table. */
const happens: Readonly<Record<string, () => Promise<string>>> = {
  async "an answer of 4xx over https, 404 and 429 too"() {
    const all = new Set<string>();
    for (const status of [401, 404, 410, 429]) all.add(times(await seen(tls, { answer: failing(status) })));
    return [...all].join(" or ");
  },
  async "an answer of 5xx, and any failure over `http://`"() {
    const all = new Set<string>();
    for (const status of [500, 503]) all.add(times(await seen(tls, { answer: failing(status) })));
    for (const status of [404, 429, 502]) all.add(times(await seen(plain, { answer: failing(status) })));
    return [...all].join(" or ");
  },
  async "a connection that breaks before the answer"() {
    const breaks: Handler = (req) => req.socket.destroy();
    const fresh = await seen(tls, { answer: breaks });
    tls.on(`a/${MODULE}/@v/v1.0.0.mod`, breaks);
    const kept = await seen(tls, { below: "a/" });
    tls.on(`a/${MODULE}/@v/v1.0.0.mod`, `module ${MODULE}\n`);
    expect(times(fresh)).toBe("asked once");
    return kept.mod === 2 ? "asked once more if it had been used before" : "asked once";
  },
  async "`User-Agent` of requests to proxies"() {
    return `\`${(await seen(tls)).agent}\``;
  },
  async "`machine HOST:PORT` in `~/.netrc`"() {
    const { credentials } = await seen(tls, { netrc: [`machine ${tls.host} ${LOGIN}`] });
    return credentials[0] === "alice:secret" ? "sent with the first request" : "not sent";
  },
  async "`machine HOST:PORT/PATH`, for that path and what is below it"() {
    const netrc = [`machine ${tls.host}/a ${LOGIN}`, `machine ${tls.host} login bob password b`];
    const { credentials } = await seen(tls, { below: "a/b/", netrc });
    expect((await seen(tls, { netrc })).credentials).toEqual(["bob:b"]);
    return credentials[0] === "alice:secret" ? "sent, the longest that fits" : "**not known**";
  },
  async "`machine HOST` for another port than 443, and `default`"() {
    const netrc = [`machine 127.0.0.1 ${LOGIN}`, `default ${LOGIN}`];
    return (await seen(tls, { netrc, answer: failing(401) })).credentials.join("") === "" ? "not used" : "used";
  },
  async "two lines for one machine"() {
    const netrc = [`machine ${tls.host} ${LOGIN}`, `machine ${tls.host} login bob password b`];
    return (await seen(tls, { netrc })).credentials[0] === "alice:secret" ? "the first counts" : "the last counts";
  },
  async "`https://user:password@…` in GOPROXY, and a line in `~/.netrc`"() {
    const env = { GOPROXY: tls.url.replace("//", "//user:password@") };
    const { credentials } = await seen(tls, { env, netrc: [`machine ${tls.host} ${LOGIN}`] });
    return credentials[0] === "user:password" ? "those of the URL are sent" : "those of the line are sent";
  },
  async "credentials over `http://`"() {
    const env = { GOINSECURE: "*" };
    expect((await seen(plain, { env, netrc: [`machine ${plain.host} ${LOGIN}`] })).credentials).toEqual([""]);
    const { output } = await seen(plain, { env: { ...env, GOPROXY: plain.url.replace("//", "//user:password@") } });
    const isRefused = output.includes("refusing to pass credentials to insecure URL");
    return isRefused ? "never sent; `http://user:password@…` is refused" : "never sent";
  },
  async "`GOAUTH=off`"() {
    const { credentials } = await seen(tls, { env: { GOAUTH: "off" }, netrc: [`machine ${tls.host} ${LOGIN}`] });
    return credentials.join("") === "" ? "`~/.netrc` is not read" : "`~/.netrc` is read";
  },
  async "`GOAUTH=COMMAND`"() {
    const { file, calls } = program("asked", `printf 'https://${tls.host}\\n\\nPrivate-Token: mine\\n\\n'`);
    const { credentials } = await seen(tls, { env: { GOAUTH: file }, answer: failing(404) });
    expect(credentials).toEqual(["mine", "mine"]);
    expect(calls()).toEqual(["with:", `with:${tls.url}/${INFO}`]);
    return "run before the first request, and with the URL after a 4xx";
  },
  async "what it prints the headers for"() {
    const printing = (url: string) => program("printing", `printf '${url}\\n\\nPrivate-Token: mine\\n\\n'`).file;
    const sent = async (url: string): Promise<boolean> =>
      (await seen(tls, { below: "a/b/", env: { GOAUTH: printing(url) } })).credentials[0] === "mine";
    expect(await sent(tls.url)).toBe(true);
    const known = [await sent(`${tls.url}/`), await sent(`${tls.url}/a`)];
    return known.every((one) => one) ? "a host or the beginning of a path" : "**a host**, with no slash behind";
  },
  async "`GOAUTH='git DIRECTORY'`"() {
    const { file } = program("helper", "[ $1 = get ] && printf 'username=alice\\npassword=secret\\n'");
    const env = { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "credential.helper", GIT_CONFIG_VALUE_0: file };
    const answer: Handler = (req, res) => (req.headers.authorization ? res.end(FOUND) : failing(401)(req, res));
    const { credentials } = await seen(tls, { env: { ...env, GOAUTH: `git ${directory}` }, answer });
    expect(credentials).toEqual(["", "alice:secret"]);
    return "the helper is asked after a 4xx";
  },
  async "a certificate of one's own"() {
    const { file } = certificate;
    expect((await seen(tls, { env: { SSL_CERT_FILE: "/dev/null" } })).output).toContain(
      "certificate signed by unknown",
    );
    expect((await seen(tls, { env: { SSL_CERT_FILE: file } })).credentials).toHaveLength(1);
    return "by `SSL_CERT_FILE`";
  },
  async "`GOSUMDB` with a URL"() {
    const database = makeDatabase("sum.test");
    const words = ["mod", "download", `${MODULE}@v1.0.0`];
    const asked = async (gosumdb: string): Promise<string[]> => {
      const before = tls.asked.length;
      await seen(tls, { words, env: { GONOSUMDB: "none", GOSUMDB: gosumdb } });
      return tls.asked.slice(before).filter((path) => path.startsWith("sumdb/") || path.startsWith("database/"));
    };
    expect(await asked(database.verifierKey)).toContain("sumdb/sum.test/supported");
    const withUrl = await asked(`${database.verifierKey} ${tls.url}/database`);
    expect(withUrl).not.toEqual([]);
    return withUrl.some((path) => path.startsWith("sumdb/")) ? "asked through the proxy" : "the URL is asked, no proxy";
  },
};

test("each row is one that is tried here", () => {
  expect(rows.map(([about]) => about)).toEqual(Object.keys(happens));
});

// A release that the page has no column for yet does what the last one does, or the page needs a column.
describe(`go ${running}`, () => {
  test.each(rows)("%s", async (about, ...said) => {
    const upTo = column === -1 ? said.length : column + 1;
    expect(await happens[about!]!()).toBe(said.slice(0, upTo).findLast((one) => one !== "the same"));
  });
});
