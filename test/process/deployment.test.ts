// What deploy/ and docker-compose.yml hand to others to run: systemd itself reads the unit, the settings in both are ones that
// there are and that a server starts with, and whatever they name beside them is there.
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { readConfig } from "../../src/config.ts";
import { generateSignerKey } from "../../src/sumdb/note.ts";
import { temporary } from "../support/temporary.ts";

const UNIT = "deploy/gokura.service";

interface Compose {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly build?: string;
        readonly image: string;
        readonly environment?: Readonly<Record<string, string>>;
        readonly secrets?: readonly string[];
        readonly networks?: readonly string[];
        readonly volumes?: readonly string[];
        readonly depends_on?: Readonly<Record<string, { readonly condition: string }>> | readonly string[];
        readonly healthcheck?: object;
      }
    >
  >;
  readonly networks: Readonly<
    Record<string, { readonly ipam?: { readonly config: readonly { subnet: string }[] } } | null>
  >;
  readonly volumes: Readonly<Record<string, object>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const composeOf = (file: string): Compose => parse(readFileSync(file, "utf8"), { merge: true });
const compose = composeOf("docker-compose.yml");
const scale = composeOf("compose.scale.yml");
/** As compose puts variables in: what stands after :- where none is set. */
const withDefaults = (text: string): string => text.replaceAll(/\$\{\w+:-([^}]*)\}/g, "$1");

/** CI's machine has it: there the test fails rather than goes missing. */
const mayLackSystemd = process.env.CI === undefined && spawnSync("systemd-analyze", ["--version"]).status !== 0;

test.skipIf(mayLackSystemd)("systemd finds nothing wrong with the unit (apt-get install systemd)", () => {
  const unit = join(temporary("unit"), "gokura.service");
  writeFileSync(unit, readFileSync(UNIT, "utf8").replaceAll("/opt/gokura", resolve(".")));
  const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", unit], { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
});

test("the unit sets what a production server on port 443 takes, and runs a program that is there", () => {
  const lines = readFileSync(UNIT, "utf8").split("\n");
  const values = (name: string): string[] =>
    lines.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));
  const environment = Object.fromEntries(values("Environment").map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
  const { production, listen, dataDirectory } = readConfig(environment);
  expect([production, listen.port, dataDirectory]).toEqual([true, 443, "/var/lib/gokura"]);
  const [command] = values("ExecStart");
  for (const path of command!.split(" ").filter((word) => word.startsWith("/opt/gokura/")))
    expect([path, existsSync(path.replace("/opt/gokura", "."))]).toEqual([path, true]);
  expect(Number(values("TimeoutStopSec")[0])).toBeGreaterThan(40); // two waits of 20 s, and the database
});

test("the image and the unit set malloc as docs/operations.md says that they do", () => {
  const documented = readFileSync("docs/operations.md", "utf8").match(/`((?:MALLOC_\w+|GLIBC_TUNABLES)=\S+?)`/g);
  const settings = documented!.map((quoted) => quoted.slice(1, -1));
  expect(settings.map((setting) => setting.split("=", 1)[0])).toEqual([
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
    "GLIBC_TUNABLES",
  ]);
  const [, image = ""] = /^ENV ((?:.*\\\n)*.*)$/m.exec(readFileSync("Dockerfile", "utf8")) ?? [];
  const unit = readFileSync(UNIT, "utf8")
    .match(/^Environment=.*$/gm)!
    .join(" ")
    .replaceAll("Environment=", "");
  for (const set of [image, unit]) expect(set.split(/[\s\\]+/)).toEqual(expect.arrayContaining(settings));
});

/** The settings of a service, with secrets as make-secrets.sh makes them. */
function settingsOf({ services, secrets }: Compose, name: string, ...words: string[]): Record<string, string> {
  const directory = temporary(`compose-${name}`);
  mkdirSync(join(directory, "deploy"));
  copyFileSync("deploy/make-secrets.sh", join(directory, "deploy/make-secrets.sh"));
  for (let again = 0; again < 2; again++)
    execFileSync("sh", ["deploy/make-secrets.sh", ...words], { cwd: directory, env: { PATH: process.env.PATH } });
  // The one that gokura makes.
  if (words.includes("scale"))
    writeFileSync(join(directory, "deploy/secrets/sumdb_key"), generateSignerKey("gokura.localhost/sumdb"));
  const secret = (path: string): string => join(directory, secrets[path.slice("/run/secrets/".length)]!.file);
  return Object.fromEntries(
    Object.entries(services[name]!.environment!).map(([setting, value]) => [
      setting,
      setting.endsWith("_FILE") ? secret(value) : withDefaults(value),
    ]),
  );
}

test("compose sets what a server takes, with the secrets that make-secrets.sh makes", () => {
  const environment = settingsOf(compose, "gokura");
  const { url, databaseUrl, upstream } = readConfig({ ...environment, NODE_ENV: "production" });
  expect([url, upstream]).toEqual(["https://gokura.localhost", [{ kind: "off" }]]);
  const passwordFile = compose.secrets.database_password!.file;
  const password = readFileSync(join(environment.DATABASE_URL_FILE!, "../../..", passwordFile), "utf8");
  expect(databaseUrl).toBe(`postgresql://gokura:${password}@database:5432/gokura`);
  expect(compose.networks.front!.ipam!.config[0]!.subnet).toBe(environment.GOKURA_TRUST_PROXY);
});

test.each([
  ["writer", "all"],
  ["reader-1", "read"],
  ["reader-2", "read"],
] as const)("compose.scale.yml: %s takes its settings, and its role is %s", (name, role) => {
  const environment = settingsOf(scale, name, "scale");
  const config = readConfig({ ...environment, NODE_ENV: "production" });
  expect([config.role, config.url, config.repositories, config.bucket?.bucket]).toEqual([
    ...[role, "https://gokura.localhost", "blobs", "modules"],
  ]);
  expect(scale.networks.front!.ipam!.config[0]!.subnet).toBe(environment.GOKURA_TRUST_PROXY);
});

test("the manifests for Kubernetes set what servers take", () => {
  const documents = parseAllDocuments(readFileSync("deploy/kubernetes/gokura.yaml", "utf8")).map((one) => one.toJS());
  const shared = documents.find(({ kind }) => kind === "ConfigMap").data;
  const secrets = parse(readFileSync("deploy/kubernetes/secrets.example.yaml", "utf8")).stringData;
  for (const [kind, role] of [
    ["StatefulSet", "all"],
    ["Deployment", "read"],
  ] as const) {
    const [container] = documents.find((one) => one.kind === kind).spec.template.spec.containers;
    const own = Object.fromEntries(
      container.env.map((pair: { name: string; value: string }) => [pair.name, pair.value]),
    );
    const key = generateSignerKey("go.example.com/sumdb");
    const config = readConfig({ ...shared, ...secrets, ...own, GOKURA_SUMDB_KEY: key, NODE_ENV: "production" });
    expect([config.role, config.url, config.repositories]).toEqual([role, "https://go.example.com", "blobs"]);
  }
});

test.each([
  ["docker-compose.yml", compose],
  ["compose.scale.yml", scale],
])("whatever %s names is there", (_, { services, networks, volumes, secrets }) => {
  const image = readFileSync("Dockerfile", "utf8");
  for (const [name, service] of Object.entries(services)) {
    const sources = (service.volumes ?? []).map((volume) => volume.split(":")[0]!);
    const missing = [
      ...(service.networks ?? []).filter((network) => !(network in networks)),
      ...(service.secrets ?? []).filter((one) => !(one in secrets)),
      ...sources.filter((source) => (source.startsWith(".") ? !existsSync(source) : !(source in volumes))),
      ...conditionsOf(service.depends_on).filter(
        // Who waits until another is healthy waits for ever where nobody looks.
        ([other, condition]) =>
          !(other in services) ||
          (condition === "service_healthy" &&
            !(services[other]!.healthcheck || (services[other]!.build && /^HEALTHCHECK /m.test(image)))),
      ),
    ];
    expect([name, missing]).toEqual([name, []]);
  }
  expect(image).toMatch(/^VOLUME \/data$/m);
  expect(image).toMatch(/^EXPOSE 8080$/m);
});

test("the proxies of both lead to servers that compose has", () => {
  const targets = (file: string): string[] =>
    [...readFileSync(file, "utf8").matchAll(/\b([a-z0-9-]+):8080\b/g)].map((match) => match[1]!);
  expect(targets("deploy/Caddyfile")).toEqual(["gokura"]);
  expect(targets("deploy/Caddyfile.scale")).toEqual(
    Object.keys(scale.services).filter((name) => /^(?:writer|reader)/.test(name)),
  );
});

function conditionsOf(dependsOn: Compose["services"][string]["depends_on"] = {}): (readonly [string, string])[] {
  if (Array.isArray(dependsOn)) return dependsOn.map((name) => [name, "service_started"]);
  return Object.entries(dependsOn).map(([name, { condition }]) => [name, condition]);
}
