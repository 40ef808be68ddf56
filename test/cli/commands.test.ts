// What each command does and prints, for people and for programs. The tests follow each other on one database, as an
// administrator's first day does; what needs a server is beside-a-server.test.ts.
import pg from "pg";
import { describe, expect, test } from "vitest";
import { cliOnDatabase } from "./cli.ts";
import { runHere } from "./run-here.ts";

const cli = await cliOnDatabase({ GOKURA_URL: "https://go.example.com" });

/** The words of a table, line by line; columns are two spaces apart. */
const cells = (lines: readonly string[]): string[][] => lines.map((line) => line.split(/ {2,}/));

describe("users", () => {
  test("create: a line for each property", async () => {
    expect(await cli.lines("user", "create", "alice")).toEqual([
      expect.stringMatching(/^id {8}\d+$/),
      "username  alice",
      "name      alice",
      "email",
      "admin     false",
      "state     active",
      expect.stringMatching(/^created {3}20\d\d-\d\d-\d\d \d\d:\d\d:\d\d$/),
    ]);
  });

  test("create --json: the same as an object; times in UTC", async () => {
    expect(await cli.json("user", "create", "bob", "--admin", "--email", "bob@example.com")).toEqual({
      id: expect.any(Number),
      username: "bob",
      name: "bob",
      email: "bob@example.com",
      admin: true,
      state: "active",
      created: expect.stringMatching(/^20\d\d-\d\d-\d\dT[\d:.]+Z$/),
    });
  });

  test("list: a table with a heading, and an array", async () => {
    const table = await cli.lines("user", "list");
    const rows = await cli.json<object[]>("user", "list");
    expect(cells(table).map((line) => line[1])).toEqual(["USERNAME", "alice", "bob"]);
    expect(rows).toMatchObject([{ username: "alice" }, { username: "bob", admin: true }]);
  });

  test("block and unblock", async () => {
    expect(await cli.json("user", "block", "ALICE")).toMatchObject({ username: "alice", state: "blocked" });
    expect(await cli.lines("user", "unblock", "alice")).toContain("state     active");
  });

  test.each([
    [["user", "create", "Alice"], "Username has already been taken"],
    [["user", "create", "carol", "--email", "bob@example.com"], "Email has already been taken"],
    [["user", "create", "carol", "--email", "nothing"], '"nothing" is no e-mail address'],
    [["user", "block", "nobody"], "there is no user nobody"],
  ])("refused: %j", async (words, said) => {
    expect(await cli(...words)).toEqual({ code: 1, stdout: "", stderr: `gokura: ${said}\n` });
  });
});

describe("groups and projects", () => {
  test("group create", async () => {
    expect(await cli.lines("group", "create", "acme", "--visibility", "internal", "--name", "Acme Inc.")).toEqual([
      expect.stringMatching(/^id {10}\d+$/),
      "path        acme",
      "visibility  internal",
    ]);
    expect(await cli.json("group", "create", "acme/platform")).toEqual({
      id: expect.any(Number),
      path: "acme/platform",
      visibility: "private",
    });
  });

  test("group quota: what a group may hold and does, for people and for programs; an option sets it", async () => {
    const none = { path: "acme", maxBytes: null, maxProjects: null, bytes: 0, projects: 0 };
    expect(await cli.json("group", "quota", "acme")).toEqual(none);
    const set = ["group", "quota", "acme", "--max-bytes", "20G", "--max-projects", "9"];
    expect(await cli.json(...set)).toEqual({ ...none, maxBytes: 20 * 1024 ** 3, maxProjects: 9 });
    expect(await cli.lines("group", "quota", "acme", "--max-bytes", "none")).toEqual([
      ...["path         acme", "maxBytes", "maxProjects  9", "projects     0", "bytes        0"],
    ]);
    expect(await cli.json("group", "quota", "acme", "--max-projects", "none")).toEqual(none);
    expect(await cli("group", "quota", "nobody", "--max-bytes", "1G")).toMatchObject({ code: 1, stdout: "" });
    expect((await cli("group", "quota", "acme", "--max-bytes", "much")).stderr).toContain('"much"');
  });

  test("project create", async () => {
    expect(
      await cli.json("project", "create", "acme/lib", "--visibility", "internal", "--description", "A library"),
    ).toEqual({
      id: expect.any(Number),
      path: "acme/lib",
      visibility: "internal",
      module: "go.example.com/acme/lib",
      prefix: null,
      packages: "on",
      scheme: "go",
      listRefused: false,
      objectFormat: "sha1",
      repository: "https://go.example.com/acme/lib.git",
    });
    const lines = await cli.lines(
      ...["project", "create", "acme/platform/sdk", "--module-prefix", "github.com/acme/sdk"],
      ...["--tag-scheme", "gitlab", "--list-refused", "on", "--object-format", "sha256"],
    );
    expect(cells(lines)).toEqual(
      expect.arrayContaining([
        ["path", "acme/platform/sdk"],
        ["prefix", "github.com/acme/sdk"],
        ["scheme", "gitlab"],
        ["listRefused", "true"],
        ["objectFormat", "sha256"],
      ]),
    );
  });

  test("project list, all of them and some", async () => {
    const table = await cli.lines("project", "list");
    const found = await cli.json<object[]>("project", "list", "--search", "SDK");
    const none = await cli.lines("project", "list", "--search", "%");
    expect(cells(table).map((line) => line[1])).toEqual(["PATH", "acme/lib", "acme/platform/sdk"]);
    expect(found).toMatchObject([{ path: "acme/platform/sdk" }]);
    expect(none).toEqual(["no projects"]);
  });

  test("project show", async () => {
    expect(await cli.json("project", "show", "ACME/Lib")).toMatchObject({
      path: "acme/lib",
      modules: [],
      rejectedTags: [],
    });
    expect(cells(await cli.lines("project", "show", "acme/lib"))).toContainEqual(["module", "go.example.com/acme/lib"]);
  });

  test("project update, a little at a time", async () => {
    expect(await cli.json("project", "update", "acme/lib", "--packages", "members")).toMatchObject({
      packages: "members",
    });
    expect(await cli.json("project", "update", "acme/lib", "--packages", "off")).toMatchObject({
      visibility: "internal",
      packages: "off",
    });
    expect(
      await cli.json("project", "update", "acme/lib", "--packages", "on", "--visibility", "private"),
    ).toMatchObject({
      visibility: "private",
      packages: "on",
    });
    expect(await cli.lines("project", "update", "acme/platform/sdk", "--module-prefix", "")).toContain("prefix");
  });

  test("project explain, before anything was pushed", async () => {
    expect(await cli.lines("project", "explain", "acme/lib")).toEqual(["no tag was pushed to acme/lib yet"]);
    expect(await cli.json("project", "explain", "acme/lib")).toEqual([]);
    const [said] = await cli.json<{ tag: string; reason: string }[]>("project", "explain", "acme/lib", "v1.2.3");
    expect(said).toMatchObject({ tag: "v1.2.3", verdict: "refused", reason: expect.stringMatching(/\S{3,}/) });
  });

  test("project delete", async () => {
    await cli.json("project", "create", "acme/gone");
    expect(cells(await cli.lines("project", "delete", "acme/gone", "--yes"))).toContainEqual(["path", "acme/gone"]);
    expect((await cli("project", "show", "acme/gone")).code).toBe(1);
  });

  test.each([
    [["group", "create", "nothing/below"], /^gokura: (Group Not Found|there is no group nothing)/],
    [["group", "create", "alice/below"], /^gokura: alice is the namespace of a user/],
    [["group", "create", "ACME"], /^gokura: the path ACME has already been taken/],
    [["project", "create", "lib"], /^gokura: a project is in a group or in a user's namespace: use group\/name/],
    [["project", "create", "nothing/lib"], /^gokura: there is no group nothing; make it first \(gokura group create\)/],
    [["project", "create", "acme/LIB"], /^gokura: the path acme\/LIB has already been taken/],
    [["project", "create", "acme/platform/x", "--visibility", "public"], /^gokura: visibility public is not allowed/],
    [["project", "create", "acme/x", "--module-prefix", "not a path"], /^gokura: the module prefix cannot be used/],
    [["project", "show", "acme/none"], /^gokura: Project Not Found/],
    [["project", "update", "acme/none", "--name", "x"], /^gokura: Project Not Found/],
    [["project", "delete", "acme/none", "--yes"], /^gokura: Project Not Found/],
    [["project", "explain", "acme/none"], /^gokura: Project Not Found/],
    [
      ["project", "unpublish", "go.example.com/acme/lib", "v1.0.0", "--yes"],
      /^gokura: there is no module go\.example\.com\/acme\/lib/,
    ],
  ])("refused: %j", async (words, said) => {
    const { code, stdout, stderr } = await cli(...words);
    expect(stderr).toMatch(said);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });
});

describe("members", () => {
  test("add, change, remove", async () => {
    expect(await cli.json("member", "add", "--project", "acme/lib", "--user", "alice")).toEqual({
      place: "acme/lib",
      user: "alice",
      level: "developer",
      expires: null,
    });
    expect(
      await cli.lines(
        ...[
          "member",
          "add",
          "--group",
          "acme",
          "--user",
          "alice",
          "--access-level",
          "Maintainer",
          "--expires",
          "2099-01-31",
        ],
      ),
    ).toEqual(["place    acme", "user     alice", "level    maintainer", "expires  2099-01-31 00:00:00"]);
    expect(
      await cli.json("member", "add", "--project", "acme/lib", "--user", "alice", "--access-level", "owner"),
    ).toMatchObject({ level: "owner" });
    expect(await cli.json("member", "remove", "--project", "acme/lib", "--user", "alice")).toMatchObject({
      place: "acme/lib",
      user: "alice",
    });
    expect(await cli("member", "remove", "--project", "acme/lib", "--user", "alice")).toEqual({
      code: 1,
      stdout: "",
      stderr: "gokura: alice is no direct member of acme/lib\n",
    });
  });
});

describe("feature flags", () => {
  test("nothing was set yet", async () => {
    expect(await cli.lines("flag", "list")).toEqual(["no flag was ever set: all are off"]);
    expect(await cli.json("flag", "list")).toEqual([]);
  });

  test("for everybody, for a project, for a group, and off again", async () => {
    expect(await cli.json("flag", "set", "go_proxy", "on", "--project", "acme/lib")).toEqual({
      name: "go_proxy",
      everybody: "off",
      projects: ["acme/lib"],
      groups: [],
      users: [],
    });
    expect(await cli.json("flag", "set", "go_proxy", "on", "--group", "acme")).toMatchObject({
      projects: ["acme/lib"],
      groups: ["acme"],
    });
    expect(await cli.lines("flag", "set", "go_proxy", "on")).toContain("everybody  on");
    expect(cells(await cli.lines("flag", "list"))).toEqual([
      ["NAME", "EVERYBODY", "PROJECTS", "GROUPS", "USERS"],
      ["go_proxy", "on", "acme/lib", "acme"],
    ]);
    expect(await cli.json("flag", "set", "go_proxy", "off", "--project", "acme/lib")).toMatchObject({
      everybody: "on",
      projects: [],
    });
    expect(await cli.json("flag", "set", "go_proxy", "off")).toMatchObject({
      everybody: "off",
      projects: [],
      groups: [],
    });
  });

  test("a flag needs a name that is one, and something that exists", async () => {
    expect((await cli("flag", "set", "Go-Proxy", "on")).stderr).toMatch(/^gokura: "Go-Proxy" cannot name a flag/);
    expect((await cli("flag", "set", "go_proxy", "on", "--project", "no/ne")).stderr).toBe(
      "gokura: there is no project no/ne\n",
    );
  });
});

describe("a flag that nothing asks about", () => {
  test("is refused with the one that was meant, and can be taken back where an earlier release set it", async () => {
    const { code, stderr } = await cli("flag", "set", "go_porxy", "on");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "gokura: there is no flag go_porxy: did you mean go_proxy?\n",
    });
    expect((await cli.json<{ name: string }[]>("flag", "list")).map(({ name }) => name)).not.toContain("go_porxy");
    const client = new pg.Client({ connectionString: cli.environment.DATABASE_URL });
    await client.connect();
    await client.query("INSERT INTO feature_flag (name, enabled) VALUES ('of_old', true)");
    await client.end();
    expect(await cli.json("flag", "set", "of_old", "off")).toMatchObject({ name: "of_old", everybody: "off" });
  });
});

describe("lists of groups and members, and a user who goes", () => {
  test("groups by number, without the namespaces of users", async () => {
    await cli.lines("group", "create", "listed");
    await cli.lines("group", "create", "listed/below", "--visibility", "private");
    const rows = await cli.json<{ path: string }[]>("group", "list");
    expect(rows.map(({ path }) => path)).toEqual(expect.arrayContaining(["acme", "listed", "listed/below"]));
    expect(rows.map(({ path }) => path)).not.toContain("alice");
    expect(await cli.json("group", "list", "--search", "below")).toMatchObject([
      { path: "listed/below", visibility: "private" },
    ]);
    expect(await cli.lines("group", "list", "--search", "nowhere")).toEqual(["no groups"]);
  });

  test("members of a place, and with --inherited those of the groups above", async () => {
    await cli.lines("user", "create", "carol");
    await cli.lines("project", "create", "listed/below/lib");
    await cli.lines("member", "add", "--group", "listed", "--user", "carol", "--access-level", "owner");
    expect(await cli.lines("member", "list", "--project", "listed/below/lib")).toEqual([
      "listed/below/lib has no members of its own: --inherited shows those of the groups above",
    ]);
    const inherited = await cli.json("member", "list", "--project", "listed/below/lib", "--inherited");
    expect(inherited).toEqual([{ place: "listed/below/lib", user: "carol", level: "owner", expires: null }]);
    expect(await cli.json("member", "list", "--group", "listed")).toMatchObject([{ user: "carol", level: "owner" }]);
  });

  test("user delete takes the namespace along", async () => {
    await cli.lines("user", "create", "dave");
    await cli.lines("project", "create", "dave/toys");
    expect(await cli.json("user", "delete", "dave", "--yes")).toMatchObject({ username: "dave", state: "deleted" });
    expect((await cli("project", "show", "dave/toys")).stderr).toBe("gokura: Project Not Found\n");
    expect((await cli("user", "delete", "dave", "--yes")).stderr).toBe("gokura: there is no user dave\n");
  });
});

describe("what clients need", () => {
  test("for a project: lines to paste", async () => {
    const text = (await cli.lines("client-config", "--project", "acme/lib")).join("\n");
    expect(text).toContain("go env -w GOPROXY='https://go.example.com/api/v4/projects/acme%2Flib/packages/go,'");
    expect(text).toContain("go env -w GONOSUMDB='go.example.com/acme/lib'");
    expect(text).toContain("machine go.example.com login gokura password YOUR_TOKEN");
    expect(text).toContain("git remote add origin https://go.example.com/acme/lib.git");
  });

  test("where the server has an upstream: its own checksum database verifies all", async () => {
    const { stdout } = await runHere(["client-config"], { ...cli.environment, GOKURA_UPSTREAM: "direct" });
    const [key] = await cli.lines("sumdb", "key");
    expect(key).toMatch(/^go\.example\.com\/sumdb\+[0-9a-f]{8}\+/);
    expect(stdout).toContain(`go env -w GOSUMDB='${key}' GONOSUMDB=\n`);
    const without = await runHere(["client-config"], {
      ...cli.environment,
      GOKURA_UPSTREAM: "direct",
      GOKURA_SUMDB: "off",
    });
    expect(without.stdout).toContain("go env -w GONOSUMDB='go.example.com'");
  });

  test("for a group, as JSON", async () => {
    const config = await cli.json("client-config", "--group", "acme");
    expect(config.gonosumdb).toBe("go.example.com/acme");
    expect(config.goproxy).toMatch(/^https:\/\/go\.example\.com\/api\/v4\/(projects|groups)\/acme/);
  });

  test("for everything: one endpoint, which stands alone where it has the world too", async () => {
    const EVERYTHING = "https://go.example.com/api/v4/packages/go";
    const goproxy = async (upstream: string, ...words: string[]) => {
      const { stdout } = await runHere(["client-config", ...words], { ...cli.environment, GOKURA_UPSTREAM: upstream });
      return /GOPROXY=(.*)/.exec(stdout)?.[1];
    };
    expect(await goproxy("off")).toBe(`'${EVERYTHING},'"$(go env GOPROXY)"`);
    expect(await goproxy("direct")).toBe(`'${EVERYTHING}'`);
    const group = `https://go.example.com/api/v4/groups/acme/-/packages/go`;
    expect(await goproxy("direct", "--group", "acme")).toBe(`'${group},'"$(go env GOPROXY)"`);
    await cli.lines("flag", "set", "dependency_proxy", "on", "--group", "acme");
    expect(await goproxy("direct", "--group", "acme")).toBe(`'${group}'`);
    await cli.lines("project", "update", "acme/lib", "--module-prefix", "example.com/lib");
    expect((await cli.json("client-config")).gonosumdb).toBe("go.example.com,example.com/lib");
    expect((await cli.json("client-config", "--group", "acme")).gonosumdb).toBe("go.example.com/acme,example.com/lib");
  });
});
