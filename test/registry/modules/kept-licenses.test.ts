// Licences made ready are there for the next process; what is broken, or of another list, is made anew. Where they are kept, Node
// says to a process of its own.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { temporary } from "../../support/temporary.ts";

const PROCESS = `
  import { enableCompileCache } from "node:module";
  import { readdirSync, writeFileSync } from "node:fs";
  import { join } from "node:path";
  const [directory, modules] = process.argv.slice(1);
  const { keptLicenses, keepLicenses } = await import(modules + "kept-licenses.ts");
  const said = { uncached: (await keptLicenses()) !== undefined };
  enableCompileCache(directory);
  const files = () => readdirSync(directory).filter((name) => name.startsWith("licenses-"));
  writeFileSync(join(directory, "licenses-of-an-older-list"), "");
  said.atFirst = (await keptLicenses()) !== undefined;
  const { licenseMatcher } = await import(modules + "known-licenses.ts");
  await licenseMatcher();
  const kept = await keptLicenses();
  said.files = files().length;
  const { createLicenseMatcher } = await import(modules + "../../gomod/license.ts");
  const { default: list } = await import("spdx-license-list/full.js");
  said.recognized = createLicenseMatcher(kept).recognize("Copyright 2020 A\\n" + list.MIT.licenseText);
  writeFileSync(join(directory, files()[0]), "broken");
  said.broken = (await keptLicenses()) !== undefined;
  await keepLicenses(kept);
  said.again = (await keptLicenses()).templates.length === kept.templates.length;
  console.log(JSON.stringify(said));
`;

test("what is made ready is kept beside the compile cache, for those who have one", async () => {
  const modules = new URL("../../../src/registry/modules/", import.meta.url).href;
  const words = ["--input-type=module", "--eval", PROCESS, temporary("licenses"), modules];
  expect(JSON.parse(execFileSync(process.execPath, words, { env: {}, encoding: "utf8" }))).toEqual({
    ...{ uncached: false, atFirst: false, files: 1, broken: false, again: true },
    recognized: [{ spdxId: "MIT", coverage: 1 }],
  });
});
