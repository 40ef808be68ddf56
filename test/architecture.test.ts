// Imports run one way, of types as well as of values: first between rooms, then between the folders of a room. The two
// tables are the architecture; ARCHITECTURE.md quotes them, and has a line for every file.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const RULES = ["gomod", "sumdb", "godoc"];
/** Small machines that all rooms may use; they import nothing. */
const GROUND = ["concurrency", "network"];
const FLOOR = [...RULES, "storage", "database", "jobs", "telemetry"];
const BELOW_DOORS = [...FLOOR, "registry", "git", "upstream", "intake", "mirrors"];

const MAY_IMPORT: Record<string, readonly string[]> = {
  concurrency: [],
  network: [],
  gomod: [],
  sumdb: [],
  godoc: [],
  telemetry: [],
  storage: ["telemetry"],
  database: ["telemetry"],
  jobs: ["database", "telemetry"],
  registry: FLOOR,
  git: [...FLOOR, "registry"],
  upstream: [...FLOOR, "registry", "git"],
  intake: [...FLOOR, "registry", "git", "upstream"],
  mirrors: [...FLOOR, "registry", "git", "upstream"],
  settings: ["sumdb", "storage", "upstream"],
  http: [...BELOW_DOORS, "graphql", "web"],
  graphql: BELOW_DOORS,
  doctor: ["storage", "database", "git", "upstream"],
  web: BELOW_DOORS,
  fsck: ["gomod", "storage", "registry", "git"],
  backup: ["database", "storage", "registry", "git"],
  cli: [...BELOW_DOORS, "settings", "doctor", "fsck", "backup"],
};
/**
 * In rooms that have folders: what each folder may import of its room. "" are the files of the room itself: below all others
 * where they say what all work on, above them where they put the others together.
 */
const MAY_IMPORT_IN_ROOM: Record<string, Record<string, readonly string[]>> = {
  storage: {
    "": [],
    s3: [""],
  },
  godoc: {
    "": [],
    comment: [""],
    source: ["", "comment"],
    package: ["", "comment", "source"],
    thread: ["", "source", "package"],
    shown: ["", "comment", "package"],
  },
  registry: {
    "": [],
    lists: [""],
    access: [""],
    forge: ["", "lists", "access"],
    versions: ["", "lists", "access", "forge"],
    checksums: ["", "lists", "access"],
    advisories: ["", "access", "forge"],
    policies: ["", "lists", "access", "forge", "versions", "modules", "advisories"],
    provenance: ["", "access", "forge", "versions", "modules", "checksums"],
    sbom: ["", "access", "versions", "modules", "advisories"],
    modules: ["", "lists", "access", "versions"],
    documentation: ["", "lists", "access", "versions", "modules"],
    packages: ["", "lists", "access", "forge", "versions"],
    numbers: ["", "lists", "access", "modules"],
    administration: ["", "lists", "access", "forge"],
  },
  git: {
    process: [],
    protocol: ["process"],
    objects: ["process"],
    hosting: ["objects"],
    indexing: ["process", "objects", "hosting"],
    push: ["process", "objects", "hosting", "indexing", "protocol"],
  },
  http: {
    protocol: [],
    go: ["protocol"],
    rest: ["protocol"],
    pkgsite: ["protocol"],
    "": ["protocol", "go", "rest", "pkgsite"],
  },
  graphql: {
    "": [],
    resolvers: [""],
    endpoint: ["", "resolvers"],
  },
  web: {
    html: [],
    text: ["html"],
    session: ["html"],
    modules: ["html", "text"],
    forge: ["html", "modules"],
    start: ["html", "modules"],
    feeds: ["html", "modules"],
    account: ["html"],
    administration: ["html"],
    settings: ["html", "forge", "administration"],
    "": ["html", "session", "start", "modules", "forge", "feeds", "account", "administration", "settings"],
  },
};
/** Types and values that every room may use. */
const FOR_ALL = new Set(["errors.ts", "config.ts"]);
/** The composition: main -> cli -> app -> rooms. */
const TOP = new Set([
  ...["main.ts", "worker.ts", "app.ts", "workers.ts", "leader.ts", "open-registry.ts", "open-upstream.ts", "config.ts"],
]);
const TOP_OF_CLI = new Set(["app.ts", "open-registry.ts", "open-upstream.ts"]);

/** The settings; where the programs git and go are found (PATH). */
const MAY_READ_ENVIRONMENT = new Set(["config.ts", "git/process/git-environment.ts", "cli/demo.ts"]);

const ARCHITECTURE = readFileSync("ARCHITECTURE.md", "utf8");
const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter(
  (name) => name.endsWith(".ts") && !name.includes("generated"),
);
const texts = new Map(files.map((file) => [file, readFileSync(join("src", file), "utf8")]));
const targetsOf = (text: string): string[] =>
  [
    ...text.matchAll(
      /^(?:import|export)\b[^"'`;]*?\bfrom\s*["']([^"']+)["']|^import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3]!);
const imports = new Map(
  files.map((file) => [
    file,
    targetsOf(texts.get(file)!)
      .filter((target) => target.startsWith("."))
      .map((target) => relative("src", resolve("src", dirname(file), target)))
      .filter((target) => !target.startsWith("..") && !target.includes("generated")),
  ]),
);
const room = (file: string): string => file.split("/")[0]!;
/** The folder of a room that a file is in; "" for the room itself. */
const folder = (file: string): string => file.split("/").slice(1, -1).join("/");

test("imports follow the architecture", () => {
  const wrong: string[] = [];
  for (const [file, targets] of imports) {
    if (TOP.has(file)) continue;
    for (const target of targets) {
      const allowed =
        FOR_ALL.has(target) ||
        room(target) === room(file) ||
        GROUND.includes(room(target)) ||
        MAY_IMPORT[room(file)]?.includes(room(target)) ||
        (room(file) === "cli" && TOP_OF_CLI.has(target));
      if (!allowed) wrong.push(`${file} -> ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("within a room imports follow its folders", () => {
  const wrong: string[] = [];
  for (const [name, table] of Object.entries(MAY_IMPORT_IN_ROOM))
    for (const [file, targets] of imports) {
      if (room(file) !== name) continue;
      if (!table[folder(file)]) wrong.push(`${file}: a folder that the table does not have`);
      for (const target of targets)
        if (room(target) === name && folder(target) !== folder(file) && !table[folder(file)]?.includes(folder(target)))
          wrong.push(`${file} -> ${target}`);
    }
  expect(wrong).toEqual([]);
});

test("the tables have no circle, every room that has folders, and no folders that are not there", () => {
  const tables = { src: MAY_IMPORT, ...MAY_IMPORT_IN_ROOM };
  for (const [name, table] of Object.entries(tables))
    expect(circlesIn(new Map(Object.entries(table))), `the table of ${name}`).toEqual([]);
  const there = new Set(files.map((file) => dirname(file)));
  const withFolders = new Set([...there].filter((path) => path.includes("/")).map(room));
  expect([...withFolders].toSorted()).toEqual(Object.keys(MAY_IMPORT_IN_ROOM).toSorted());
  for (const [name, table] of Object.entries(MAY_IMPORT_IN_ROOM))
    for (const one of Object.keys(table)) expect(there).toContain(one === "" ? name : `${name}/${one}`);
});

test("every import exists, and there is no circle, not even one of types", () => {
  for (const [file, targets] of imports)
    for (const target of targets) expect(files, `${file} imports ${target}`).toContain(target);
  expect(circlesIn(imports)).toEqual([]);
});

test("ARCHITECTURE.md has the folders as they are", () => {
  const rows = [...ARCHITECTURE.matchAll(/^\| `(\w+)(?:\/(\w+))?`( itself)? \| [^|]+\? \| ([^|]+) \|$/gm)];
  const told: Record<string, Record<string, readonly string[]>> = {};
  for (const [, name, inRoom = "", , allowed] of rows) {
    const may = [...allowed!.matchAll(/`(\w+)`( itself)?/g)].map(([, one, itself]) => (itself ? "" : one!));
    told[name!] = { ...told[name!], [inRoom]: may };
  }
  expect(told).toEqual(MAY_IMPORT_IN_ROOM);
});

test("ARCHITECTURE.md has a line for every file", () => {
  const list = /^src\/\n(.*?)^```/ms.exec(ARCHITECTURE)![1]!;
  const named: string[] = [];
  const folders: string[] = [];
  for (const [, indent, words] of list.matchAll(/^( +)(\S.*)$/gm)) {
    const depth = indent!.length / 2 - 1;
    const [first, ...others] = words!.split(/ +/);
    if (first!.endsWith("/")) folders.splice(depth, folders.length, first!);
    else
      for (const word of [first!, ...others]) {
        if (!word.endsWith(".ts")) break; // the words about the file
        named.push(folders.slice(0, depth).join("") + word);
      }
  }
  expect(named.toSorted()).toEqual(files.toSorted());
});

test("ARCHITECTURE.md has every model of the database", () => {
  const models = [...readFileSync("prisma/schema.prisma", "utf8").matchAll(/^model (\w+)/gm)].map(([, name]) => name!);
  const [, section] = ARCHITECTURE.split("\n## The data\n");
  const rows = [...section!.split("\n## ")[0]!.matchAll(/^\| [^|]+ \| ([A-Z][\w, ]+) \|$/gm)];
  expect(rows.flatMap(([, names]) => names!.split(", ")).toSorted()).toEqual(models.toSorted());
});

/** The circles that a walk along the arrows meets. */
function circlesIn(arrows: ReadonlyMap<string, readonly string[]>): string[] {
  const state = new Map<string, "open" | "done">();
  const circles: string[] = [];
  const visit = (from: string, trail: readonly string[]): void => {
    if (state.get(from) === "done") return;
    if (state.get(from) === "open") {
      circles.push([...trail.slice(trail.indexOf(from)), from].join(" -> "));
      return;
    }
    state.set(from, "open");
    for (const to of arrows.get(from) ?? []) visit(to, [...trail, from]);
    state.set(from, "done");
  };
  for (const from of arrows.keys()) visit(from, []);
  return circles;
}

test("the doors never touch Prisma, nor anybody but config.ts the environment", () => {
  for (const [file, text] of texts) {
    if (["http", "graphql", "web", "cli"].includes(room(file)))
      expect(text, file).not.toMatch(/^import (?!type)[^;]*database\/(generated|client)/m);
    if (!MAY_READ_ENVIRONMENT.has(file)) expect(text, file).not.toMatch(/process\.env/);
    if (file !== "gomod/version.ts") expect(text, file).not.toMatch(/from "semver/);
  }
});

test("versions enter in one place", () => {
  const writing =
    /insert\s+into\s+"?module_version"?(?!\w)|\bmoduleVersion\.(create|upsert)|\benter_(versions|upstream_part)\(/i;
  const places = [...texts].filter(([, text]) => writing.test(text)).map(([file]) => file);
  expect(places).toEqual(["registry/versions/enter-versions.ts"]);
});

test("levels are compared where the table of acts is, and nowhere else", () => {
  const level = String.raw`(?:\w*[aA]ccess_?[lL]evel|(?:own|min)Level|GUEST|REPORTER|DEVELOPER|MAINTAINER|OWNER)\b`;
  const compared = new RegExp(
    `${level}\\s*[<>]=?\\s|\\s[<>]=?\\s*(?:\\w+\\.)*${level}|(?:project|group)Level\\(.*\\)\\s*[<>]`,
  );
  const places = [...texts].filter(([file, text]) => !file.startsWith("registry/access/") && compared.test(text));
  expect(places.map(([file]) => file)).toEqual([]);
});

test("registry, jobs and database alone ask the database", () => {
  const asking = /\.(?:prisma|database)\b|\bprisma\.\$/;
  const places = [...texts].filter(
    ([file, text]) => asking.test(text) && !TOP.has(file) && !["registry", "jobs", "database"].includes(room(file)),
  );
  expect(places.map(([file]) => file)).toEqual([]);
});

test("which of the two rules for tags a project has is asked in one place", () => {
  const places = [...texts].filter(([, text]) => /\btagScheme\s*[!=]==/.test(text)).map(([file]) => file);
  expect(places).toEqual(["git/indexing/tag-scheme-of-project.ts"]);
});

test("whatever a comment or a page says is in a file, that file is there", () => {
  const within = (directory: string, type: string): string[] =>
    readdirSync(directory, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(type))
      .map((name) => join(directory, name));
  const sources = ["src", "test", "scripts", "bench"].flatMap((directory) => within(directory, ".ts"));
  const pages = [...within("docs", ".md"), ...readdirSync(".").filter((name) => name.endsWith(".md"))];
  const nowhere: string[] = [];
  for (const file of [...sources, ...pages, "prisma/schema.prisma", "schema.graphql"]) {
    const text = readFileSync(file, "utf8");
    const words = file.endsWith(".ts") ? [...text.matchAll(/(?:^|\s)(?:\/\/|\/?\*).*$/gm)].join("\n") : text;
    for (const [, name] of words.matchAll(/(?<![\w./@*-])((?:[\w-]+\/)+[\w-]+\.ts)\b/g))
      if (!name!.includes("generated") && !sources.some((source) => source === name || source.endsWith(`/${name}`)))
        nowhere.push(`${file}: ${name}`);
  }
  expect(nowhere).toEqual([]);
});

/** Variables of tests, of compose.yaml, and what Kubernetes sets. */
const NO_SETTINGS = new Set(
  ["GO_DOC", "PKGSITE", "GOPLS", "POLICY_CLIENTS", "HOST", "SERVICE_HOST"].map((name) => `GOKURA_${name}`),
);

test("links, settings and programs that a page names are there", () => {
  const pages = [...readdirSync("docs").map((name) => `docs/${name}`), ...readdirSync(".")].filter((p) =>
    p.endsWith(".md"),
  );
  const anchors = new Map(pages.map((page) => [page, anchorsOf(readFileSync(page, "utf8"))]));
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  const settings = texts.get("settings/environment.ts")!;
  const nowhere: string[] = [];
  for (const page of pages) {
    const text = readFileSync(page, "utf8");
    for (const [link, path, anchor] of text.matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
      const target = path === "" ? page : relative(".", resolve(dirname(page), path!));
      if (!existsSync(target) || (anchor && anchors.get(target)?.has(anchor) === false))
        nowhere.push(`${page}: ${link}`);
    }
    for (const [, name] of text.matchAll(/`(GOKURA_[A-Z\d_]*[A-Z\d])[`=]/g))
      if (
        !settings.includes(`"${name!.replace(/_FILE$/, "")}"`) &&
        !settings.includes(`"${name}"`) &&
        !NO_SETTINGS.has(name!)
      )
        nowhere.push(`${page}: ${name}`);
    for (const [words, name] of text.matchAll(/npm run ([\w:-]+)/g))
      if (!(name! in scripts)) nowhere.push(`${page}: ${words}`);
    for (const [path] of text.matchAll(/(?:bench\/[\w-]+\.ts|findings\/[\w-]+\.sh)/g))
      if (!existsSync(path)) nowhere.push(`${page}: ${path}`);
  }
  expect(nowhere).toEqual([]);
});

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.replaceAll(/^```.*?^```/gms, "").matchAll(/^#+ (.*)$/gm)].map(([, words]) => words!);
  const plain = headings.map((words) => words.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase());
  return new Set(plain.map((words) => words.replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-")));
}

test("an exported name means one thing", () => {
  // What GraphQL and REST give out is called after the type there.
  const byContract = /^(?:graphql\/resolvers|http\/rest)\//;
  const places = new Map<string, string[]>();
  for (const [file, text] of texts)
    for (const [, name] of text.matchAll(/^export (?:async )?(?:function\*?|const|let|class|interface|type) (\w+)/gm))
      if (!byContract.test(file)) places.set(name!, [...(places.get(name!) ?? []), file]);
  expect([...places].filter(([, files]) => files.length > 1)).toEqual([]);
});

test("a comment of a declaration stands alone", () => {
  // What begins so speaks of the declaration above; a member may, of what it is a member of.
  const pronoun = /^(?:\/\*\*|\/\/\/) (?:Also|And|Its|Such as|Those|These|It|They|Both)\b/m;
  const leaning =
    /(?:\/\*\*|^ +\*|\/\/\/) (?:The same(?: (?:as|of|for|in|with)\b|,|;|\.| but\b)|As above|Likewise|Ditto)/m;
  const places = [...texts, ["schema.prisma", readFileSync("prisma/schema.prisma", "utf8")] as const].filter(
    ([, text]) => leaning.test(text) || pronoun.test(text),
  );
  expect(places.map(([file]) => file)).toEqual([]);
});
