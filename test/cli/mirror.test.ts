// gokura mirror: what it tells of a mirror by ssh and by a GitHub App, and changing one.
import { generateKeyPairSync } from "node:crypto";
import { Readable } from "node:stream";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { type Cli, cliOnDatabase } from "./cli.ts";

let cli: Cli;

beforeAll(async () => {
  cli = await cliOnDatabase({ GOKURA_URL: "https://go.example.com" });
  await cli("group", "create", "acme");
});
afterEach(() => vi.restoreAllMocks());

/** What the next command reads from standard input. */
const typed = (text: string): void =>
  void vi.spyOn(process, "stdin", "get").mockReturnValue(Readable.from([Buffer.from(text)]) as never);

test("by ssh a key is made and told; it is changed, switched off and on", async () => {
  const { stdout } = await cli("mirror", "add", "acme/told", "git@git.invalid:acme/told.git");
  expect(stdout).toMatch(
    /Give the repository there this deploy key, for reading:\nssh-ed25519 \S+ gokura:acme\/told\n/,
  );
  const shown = await cli.json("mirror", "show", "acme/told");
  expect(shown).toMatchObject({ url: "ssh://git@git.invalid/acme/told.git", hostKey: null, state: expect.any(String) });
  const update = (...words: string[]) => cli.json("mirror", "update", "acme/told", ...words);
  expect(await update("--off", "--interval", "5m")).toMatchObject({ state: "off", deployKey: shown.deployKey });
  expect(await update("--on", "--forget-host-key")).toMatchObject({
    state: expect.any(String),
    deployKey: shown.deployKey,
  });
  expect((await update("--no-credential")).deployKey).not.toBe(shown.deployKey);
  const url = "https://git.invalid/acme/told";
  expect(await update("--url", url)).toEqual(
    expect.not.objectContaining({ deployKey: expect.anything(), user: expect.anything() }),
  );
  expect((await cli("mirror", "update", "acme/told", "--on", "--off")).code).toBe(2);
});

test("with a GitHub App", async () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const app = ["--github-app", "4711", "--installation", "99", "--password-stdin"];
  typed(privateKey.export({ type: "pkcs1", format: "pem" }) as string);
  const made = await cli("mirror", "add", "acme/app", "https://git.invalid/acme/app", ...app, "--json");
  expect(JSON.parse(made.stdout)).toMatchObject({ githubApp: "4711", deployKey: null });
  expect(made.stdout).not.toContain("PRIVATE KEY");
  const address = ["mirror", "update", "acme/app"];
  for (const wrong of [
    ["--github-app", "1"],
    ["--github-app", "1", "--installation", "2"],
    ["--user", "ci"],
  ])
    expect((await cli(...address, ...wrong)).code, wrong.join(" ")).toBe(2);
});
