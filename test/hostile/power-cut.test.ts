// After a push was acknowledged, a power cut takes neither its pack nor its refs: git syncs their bytes, we their names.
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repositoryKey } from "../../src/storage/object-keys.ts";
import { type Syncs, watchSyncs } from "../support/power-cut.ts";
import { git, pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";

let server: TestServer;
let syncs: Syncs;
beforeAll(async () => {
  syncs = await watchSyncs();
  server = await testServer({ environment: { GOKURA_UPSTREAM: "off" } });
});
afterAll(() => syncs.stop());

test("what a push was acknowledged with survives a power cut, and so does what it took the name from", async () => {
  const token = await server.token("acme");
  const remote = remoteOf(server.url, "acme/lib", token);
  const pushed = await pushRecipe(remote, (r) => {
    const first = r.commit({ "go.mod": "module gokura.test/acme/lib\n" });
    for (const tag of ["v1.0.0", "sub/deep/v1.0.0"]) r.tag(tag, first);
  });
  const { id } = await server.registry.prisma.project.findFirstOrThrow({ where: { fullPath: "acme/lib" } });
  const repository = join(server.dataDirectory, repositoryKey(id));
  const lost = () => syncs.takenFrom(repository).filter((path) => /^(?:objects|refs|packed-refs)/.test(path));
  expect(lost()).toEqual([]);

  // Two commits that no ref names any more are kept by one that is written for it.
  pushed.change((r) => {
    r.tag("sub/deep/v1.0.0", r.commit({ "a.go": "package lib\n" }));
    r.tag("v1.0.0", r.commit({ "a.go": "package lib // other\n" }));
  });
  await git(["-C", pushed.directory, "push", "--quiet", "--force", remote, "--tags"]);
  pushed.change((r) => r.tag("v1.1.0", r.commit({ "b.go": "package lib\n" })));
  await git(["-C", pushed.directory, "push", "--quiet", "--force", remote, "v1.1.0", ":v1.0.0", ":sub/deep/v1.0.0"]);
  expect(lost()).toEqual([]);
});
