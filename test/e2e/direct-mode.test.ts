// Gokura against the go command itself: the same repository, once through the project's endpoint and once in direct mode
// (?go-get=1 discovery and git over HTTPS, from this very server), under its real name at port 443. What go computes from
// the repository and what we serve must be the same: lists, .info, .mod, sums, latest, and what cannot be had.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { connectProxy } from "../support/connect-proxy.ts";
import { type GoCommand, goCommand } from "../support/go.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { testServer } from "../support/server.ts";

const P = "gokura.test/alice/lib";

let proxied: GoCommand;
let direct: GoCommand;

beforeAll(async () => {
  const server = await testServer({ tls: true, environment: { GOKURA_URL: "https://gokura.test" } });
  const token = await server.token("alice");
  const proxy = await connectProxy(server.port);
  const trust = { GIT_SSL_CAINFO: server.certificateFile, HTTPS_PROXY: proxy, https_proxy: proxy };
  await pushRecipe(
    remoteOf("https://gokura.test", "alice/lib", token),
    (r) => {
      const mod = (path: string, rest = "") => `module ${path}\n\ngo 1.21\n${rest}`;
      r.tag("v0.0.1", r.commit({ "README.md": "no go.mod yet\n", "a.go": "package lib\n" }));
      r.tag(
        "v1.0.0",
        r.commit({ "go.mod": mod(P), LICENSE: "MIT\n", ".gitattributes": "*.txt text eol=crlf\n", "a.txt": "a\n" }),
      );
      const sub = r.commit({
        "sub/go.mod": mod(`${P}/sub`),
        "sub/s.go": "package sub\n",
        "vendor/x/x.go": "package x\n",
        "vendor/modules.txt": "# x\n",
      });
      r.annotatedTag("sub/v0.3.0", sub);
      r.tag("v1.1.0", sub);
      r.tag("v1.1", sub);
      r.tag("v1.1.1+meta", sub);
      r.tag("1.4.0", sub);
      const mainTip = r.commit({ "go.mod": mod(P, "retract v1.1.0 // broken\n"), "b.go": "package lib\n" });
      r.tag("v1.2.0", mainTip);
      r.tag("v1.3.0-beta.1", mainTip);
      const two = r.commit(
        { "go.mod": mod(`${P}/v2`), "b.go": "package lib\n" },
        { branch: "two", parents: [mainTip] },
      );
      r.tag("v2.0.0", two);
      r.tag("v2.1.0", r.commit({ "c.go": "package lib\n" }, { branch: "two" }));
      const three = r.commit({ "v3/go.mod": mod(`${P}/v3`), "v3/c.go": "package lib\n" });
      r.tag("v3.0.0", three);
      r.commit({ "d.go": "package lib\n" });
      r.tag("other/v1.0.0", three);
    },
    trust,
  );
  const netrc = [`machine gokura.test login alice password ${token}`];
  const env = { ...trust, SSL_CERT_FILE: server.certificateFile };
  proxied = goCommand({ ...env, GOPROXY: "https://gokura.test/api/v4/projects/alice%2Flib/packages/go" }, netrc);
  // go's own git asks netrc too, through libcurl
  direct = goCommand({ ...env, GOPROXY: "direct" }, netrc);
});

/** What a command says in both modes, without the words that name the mode. */
async function both(...words: string[]): Promise<[unknown, unknown]> {
  const ends = await Promise.all([proxied.run(...words), direct.run(...words)]);
  return ends.map(({ status, output }) => (status === 0 ? output : `failed: ${status}`)) as [unknown, unknown];
}

describe("lists", () => {
  test.each([P, `${P}/v2`, `${P}/v3`, `${P}/sub`])("%s", async (path) => {
    const [here, there] = await both("list", "-m", "-versions", "-retracted", path);
    expect(here).toBe(there);
    expect(here).toMatch(/ v\d/);
  });
});

const QUERIES = [
  ...[
    "v0.0.1",
    "v1.0.0",
    "v1.1.0",
    "v1.2.0",
    "v1.3.0-beta.1",
    "latest",
    "main",
    "two",
    "HEAD",
    "v1.1.1+meta",
    "<v1.2.0",
    "v1",
  ].map((q) => `${P}@${q}`),
  ...["v2.0.0", "v2.1.0", "latest", "two", "v2"].map((q) => `${P}/v2@${q}`),
  ...["v3.0.0", "main"].map((q) => `${P}/v3@${q}`),
  ...["v0.3.0", "latest", "main"].map((q) => `${P}/sub@${q}`),
  // what is not there
  ...["v9.9.9", "v2.0.0", "v1.1", "nobranch", "v1.0.1-0.20240101000000-abcdefabcdef"].map((q) => `${P}@${q}`),
  ...["v2.0.0", "v0.9.0"].map((q) => `${P}/sub@${q}`),
  `${P}/other@v1.0.0`,
  `${P}/nothing@latest`,
  `${P}/v4@latest`,
];

describe("downloads", () => {
  test.each(QUERIES)("%s", async (query) => {
    const ends = await Promise.all(
      [proxied, direct].map(async (go) => {
        const { status, output } = await go.run("mod", "download", "-json", query);
        const json = output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1);
        const answer = json === "" ? {} : JSON.parse(json);
        if (status !== 0) return { status };
        const cached = (kind: string) => readFileSync(answer[kind], "utf8");
        return {
          sums: [answer.Version, answer.Sum, answer.GoModSum],
          info: cached("Info"),
          mod: cached("GoMod"),
          files: await filesOf(join(answer.Dir)),
        };
      }),
    );
    expect(ends[0]).toEqual(ends[1]);
  });
});

async function filesOf(directory: string): Promise<string[]> {
  const { readdirSync } = await import("node:fs");
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
}
