// git itself fetching from a server that begins to send a pack and then hangs, or drips: it is given up, and the repository is as
// it was.
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { initRepository } from "../../src/git/objects/init-repository.ts";
import { runGit } from "../../src/git/process/git-process.ts";
import { fetchRefs, httpsEnvironment } from "../../src/upstream/git-fetch.ts";
import { atEnd } from "../support/at-end.ts";
import { makeRepository } from "../support/git-fixture.ts";
import { type GitServer, gitServer } from "../support/git-server.ts";
import { temporary } from "../support/temporary.ts";

let server: GitServer;

beforeAll(async () => {
  server = await gitServer("git.test");
  makeRepository(join(server.directory, "lib.git"), (r) =>
    r.tag("v1.0.0", r.commit({ "go.mod": "module x.test/lib\n" })),
  );
});

const fetch = (directory: string): Promise<void> => {
  const url = `${server.url}/lib.git`;
  const way = { url, addresses: ["127.0.0.1"], caBundle: server.caFile, idleSeconds: 1 };
  return fetchRefs(directory, { url, environment: httpsEnvironment(way), maxBytes: 1_000_000 });
};
const refs = async (directory: string): Promise<string> =>
  (await runGit(directory, ["for-each-ref", "--format=%(refname)"])).toString();

test.each(["hangs", "drips"])("a server that %s within the pack", async (how) => {
  const directory = join(temporary("fetch"), "here.git");
  await initRepository(directory, { objectFormat: "sha1" });
  let posts = 0;
  let dripping: NodeJS.Timeout | undefined;
  atEnd(() => clearInterval(dripping));
  server.misbehave = (req, res) => {
    if (req.method !== "POST" || posts++ === 0) return false; // the first asks for the refs
    res.writeHead(200, { "content-type": "application/x-git-upload-pack-result" });
    res.write("0011packfile\n0009\u0001PACK");
    if (how === "drips") dripping = setInterval(() => res.write("0006\u0002."), 100);
    return true;
  };
  await expect(fetch(directory)).rejects.toMatchObject({
    kind: "unavailable",
    message: expect.stringMatching(/^git could not fetch/),
  });
  clearInterval(dripping);
  expect(posts).toBeGreaterThan(1);
  expect(await refs(directory)).toBe("");
  server.misbehave = undefined;
  await fetch(directory);
  expect(await refs(directory)).toBe("refs/heads/main\nrefs/tags/v1.0.0\n");
});
