// A command by root beside a server that has an account without rights: what it wrote would be root's.
import { chownSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nameOfDataDirectory } from "../../src/storage/data-directory.ts";
import { runHere } from "../cli/run-here.ts";
import { testDatabase } from "../support/database.ts";
import { isRoot, NOBODY } from "../support/gokura-process.ts";
import { temporary } from "../support/temporary.ts";

test.skipIf(!isRoot)("a command of another account than the server's is refused, and leaves nothing", async () => {
  const directory = temporary("account");
  const environment = { DATABASE_URL: await testDatabase(), GOKURA_DATA_DIR: directory, GOKURA_UPSTREAM: "off" };
  await nameOfDataDirectory(directory);
  expect(await runHere(["user", "list"], environment)).toMatchObject({ code: 0 });
  chownSync(join(directory, "server-id"), NOBODY.uid, NOBODY.gid);
  for (const words of [
    ["fsck", "--repair"],
    ["user", "list"],
  ])
    expect(await runHere(words, environment)).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining(`sudo -E -u '#${NOBODY.uid}'`) },
    });
  expect(readdirSync(directory).filter((name) => name.startsWith("account-"))).toEqual([]);
  expect(existsSync(join(directory, "secret-key"))).toBe(false);
});
