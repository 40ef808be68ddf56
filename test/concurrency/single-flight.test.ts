// Work that is shared by those who ask for it at once.
import { expect, test } from "vitest";
import { createSingleFlight } from "../../src/concurrency/single-flight.ts";

test("those who ask while it goes on share it; whoever comes afterwards has it done anew", async () => {
  const flight = createSingleFlight<string, number>();
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const work = async (): Promise<number> => {
    runs++;
    await gate.promise;
    return runs;
  };
  const answers = [flight.run("a", work), flight.run("a", work), flight.run("b", work)];
  expect(runs).toBe(2);
  expect(flight.all()).toHaveLength(2);
  expect(flight.underWay("a")).toBe(answers[0]);
  gate.resolve();
  expect(await Promise.all(answers)).toEqual([2, 2, 2]);
  expect(flight.underWay("a")).toBeUndefined();
  expect(await flight.run("a", work)).toBe(3);
});

test("a failure is everybody's, and is not remembered", async () => {
  const flight = createSingleFlight<string>();
  const failing = [1, 2].map(() => flight.run("a", () => Promise.reject(new Error("away"))));
  expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await flight.run("a", async () => "there")).toBe("there");
});

test("a failure for which nobody waits any more ends no process", async () => {
  const unheard: unknown[] = [];
  const hear = (error: unknown): void => void unheard.push(error);
  process.on("unhandledRejection", hear);
  void createSingleFlight<string>().run("a", () => Promise.reject(new Error("away")));
  await new Promise(setImmediate);
  process.off("unhandledRejection", hear);
  expect(unheard).toEqual([]);
});
