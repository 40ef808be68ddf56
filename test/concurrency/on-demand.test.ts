import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { onDemand } from "../../src/concurrency/on-demand.ts";

test("all who ask share one opening, and what failed is opened again by whoever asks next", async () => {
  let tries = 0;
  const thing = onDemand(async () => {
    if (++tries === 1) throw new Error("too many open files");
    return tries;
  });
  expect(thing.opened()).toBeUndefined();
  const [one, other] = [thing.get(), thing.get()];
  await expect(one).rejects.toThrow("too many open files");
  await expect(other).rejects.toThrow("too many open files");
  expect([tries, thing.opened()]).toEqual([1, undefined]);
  expect(await Promise.all([thing.get(), thing.get(), thing.opened()])).toEqual([2, 2, 2]);
  expect(await thing.get()).toBe(2);
});

/** Asks both doors twice: first while the process has no file descriptor left, and then with some. */
const PROCESS = `
  const { openSync, closeSync } = await import("node:fs");
  const { restOnDemand } = await import(process.argv[1] + "http/rest-on-demand.ts");
  const { webOnDemand } = await import(process.argv[1] + "web/for-people.ts");
  const [rest, web] = [restOnDemand({}), webOnDemand({})];
  const codeOf = (asked) => asked.then(() => "", ({ code }) => code ?? "");
  const ask = async () => [
    await codeOf(rest({ path: "/api/v4/projects" }, async () => {})),
    await codeOf(web.serve({ path: "/robots.txt", method: "GET", get: () => "" }, {})),
  ];
  const taken = [];
  try {
    for (;;) taken.push(openSync("/dev/null"));
  } catch {}
  const first = await ask();
  for (const descriptor of taken) closeSync(descriptor);
  console.log(JSON.stringify([first, await ask()]));
`;

test("doors that could not be opened for want of a file descriptor are opened when there is one", () => {
  const src = new URL("../../src/", import.meta.url).href;
  const words = [
    "-c",
    'ulimit -n 256; exec "$0" "$@"',
    process.execPath,
    "--input-type=module",
    "--eval",
    PROCESS,
    src,
  ];
  const [first, second] = JSON.parse(execFileSync("sh", words, { encoding: "utf8" }));
  expect(first).toEqual(["EMFILE", "EMFILE"]);
  expect(second).not.toContain("EMFILE");
});
