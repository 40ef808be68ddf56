// What the log says and what it never says. That nothing secret reaches it while the server works is
// test/process/logs-without-secrets.test.ts; this is the net below it.
import { describe, expect, test } from "vitest";
import { newSecret } from "../../src/registry/access/token-format.ts";
import { createLog, type Log } from "../../src/telemetry/log.ts";

function logged(level: Parameters<typeof createLog>[0], write: (log: Log) => void): string[] {
  const lines: string[] = [];
  write(createLog(level, { write: (line: string) => void lines.push(line) }));
  return lines;
}

test("a line is one JSON object with the level by name and the time in UTC", () => {
  const [line, ...more] = logged("info", (log) => log.info({ project: "acme/lib" }, "pushed\nand more"));
  expect(more).toEqual([]);
  expect(line).toMatch(/^\{.*\}\n$/);
  expect(JSON.parse(line!)).toEqual({
    level: "info",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    project: "acme/lib",
    msg: "pushed\nand more",
  });
});

test("levels below the one that is set are not written", () => {
  const all = (log: Log) => {
    for (const level of ["trace", "debug", "info", "warn", "error", "fatal"] as const) log[level](level);
  };
  expect(logged("warn", all).map((line) => JSON.parse(line).msg)).toEqual(["warn", "error", "fatal"]);
  expect(logged("silent", all)).toEqual([]);
  expect(logged("trace", all)).toHaveLength(6);
});

describe.each(["PERSONAL", "DEPLOY"] as const)("a %s token is struck out", (kind) => {
  const secret = newSecret(kind);
  test.each<[string, (log: Log) => void]>([
    ["in the message", (log) => log.info(`bad token ${secret} refused`)],
    ["in a field", (log) => log.info({ given: secret }, "x")],
    ["deep in a field", (log) => log.info({ a: { b: [{ c: `Bearer ${secret}` }] } }, "x")],
    ["as a key", (log) => log.info({ [secret]: 1 }, "x")],
    ["in an error and its stack", (log) => log.error({ err: new Error(`cannot use ${secret}`) }, "x")],
    [
      "in the cause of an error",
      (log) => log.error({ err: new Error("outer", { cause: new Error(`inner ${secret}`) }) }, "x"),
    ],
    ["in a URL", (log) => log.info(`https://git:${secret}@go.example.com/acme/lib.git`)],
    ["in a path", (log) => log.info({ path: `/${secret}/@v/list` }, "x")],
    ["twice", (log) => log.info(`${secret} and ${secret}`)],
    ["in what a child logger carries", (log) => log.child({ secret }).info("x")],
  ])("%s", (_, write) => {
    const lines = logged("trace", write);
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain(secret);
    expect(lines[0]).not.toContain(secret.slice(5, 30));
    expect(lines[0]).toContain("[secret]");
    expect(() => JSON.parse(lines[0]!)).not.toThrow();
  });
});

test("an error says what it is, where it comes from and why, and nothing that hangs on it", () => {
  const inner = Object.assign(new TypeError("inner"), { code: "23505", table: "token", parameters: ["digest"] });
  const outer = Object.assign(new Error("outer", { cause: inner }), { client: { password: "x", secretKey: 4711 } });
  const [line] = logged("info", (log) => log.error({ err: outer }, "failed"));
  expect(JSON.parse(line!).err).toEqual({
    type: "Error",
    message: "outer",
    stack: expect.stringMatching(/^Error: outer\n\s+at .*log\.test\.ts/),
    cause: {
      type: "TypeError",
      message: "inner",
      code: "23505",
      table: "token",
      stack: expect.stringContaining("TypeError: inner"),
    },
  });
  const [many] = logged("info", (log) => log.error({ err: new AggregateError([inner], "both") }, "failed"));
  expect(JSON.parse(many!).err).toMatchObject({ message: "both", causes: [{ message: "inner" }] });
  const [thrown] = logged("info", (log) => log.error({ err: "a text" }, "failed"));
  expect(JSON.parse(thrown!).err).toBe("a text");
});

test("the password of a URL is struck out, whatever the scheme, and the rest of it stays", () => {
  const [line] = logged("info", (log) =>
    log.info("postgresql://gokura:hunter2@db.example.com:5432/gokura, https://ci:p%40ss@go.example.com/x.git?y=a@b"),
  );
  expect(line).not.toMatch(/hunter2|p%40ss/);
  expect(line).toContain("@db.example.com:5432/gokura");
  expect(line).toContain("@go.example.com/x.git?y=a@b");
});

test("fields that are named after secrets are struck out, whatever their form", () => {
  const form = "administrator-given-token";
  const lines = logged("info", (log) => {
    log.info({ token: form, password: form, authorization: form }, "x");
    log.info({ request: { token: form, password: form, authorization: form } }, "x");
  });
  expect(lines.join("")).not.toContain(form);
});

test("what only looks a little like a token, or holds an @, is left alone", () => {
  const harmless =
    "gkpt_short https://mirror.example.com/github.com/!burnt!sushi/toml/@v/list alice@example.com v1.0.0@x";
  const [line] = logged("info", (log) => log.info(harmless));
  expect(JSON.parse(line!).msg).toBe(harmless);
});
