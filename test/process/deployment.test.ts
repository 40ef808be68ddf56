// What deploy/ and docker-compose.yml hand to others to run: systemd itself reads the unit, the settings in both are ones that
// there are and that a server starts with, and whatever they name beside them is there.
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { readConfig } from "../../src/config.ts";
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
        readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
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

const compose = parse(readFileSync("docker-compose.yml", "utf8")) as Compose;
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

test("compose sets what a server takes, with the secrets that make-secrets.sh makes", () => {
  const directory = temporary("compose");
  mkdirSync(join(directory, "deploy"));
  copyFileSync("deploy/make-secrets.sh", join(directory, "deploy/make-secrets.sh"));
  for (let again = 0; again < 2; again++) execFileSync("sh", ["deploy/make-secrets.sh"], { cwd: directory });
  const secret = (path: string): string => {
    const { file } = compose.secrets[path.slice("/run/secrets/".length)]!;
    return join(directory, file);
  };
  const environment = Object.fromEntries(
    Object.entries(compose.services.gokura!.environment!).map(([name, value]) => [
      name,
      name.endsWith("_FILE") ? secret(value) : withDefaults(value),
    ]),
  );
  const { url, databaseUrl, upstream } = readConfig({ ...environment, NODE_ENV: "production" });
  expect([url, upstream]).toEqual(["https://gokura.localhost", [{ kind: "off" }]]);
  const password = readFileSync(join(directory, compose.secrets.database_password!.file), "utf8");
  expect(databaseUrl).toBe(`postgresql://gokura:${password}@database:5432/gokura`);
  expect(compose.networks.front!.ipam!.config[0]!.subnet).toBe(environment.GOKURA_TRUST_PROXY);
});

test("whatever compose names is there", () => {
  const { services, networks, volumes, secrets } = compose;
  const image = readFileSync("Dockerfile", "utf8");
  for (const [name, service] of Object.entries(services)) {
    const sources = (service.volumes ?? []).map((volume) => volume.split(":")[0]!);
    const missing = [
      ...(service.networks ?? []).filter((network) => !(network in networks)),
      ...(service.secrets ?? []).filter((one) => !(one in secrets)),
      ...sources.filter((source) => (source.startsWith(".") ? !existsSync(source) : !(source in volumes))),
      ...Object.entries(service.depends_on ?? {}).filter(
        // Who waits until another is healthy waits for ever where nobody looks.
        ([other]) =>
          !(other in services) ||
          !(services[other]!.healthcheck || (services[other]!.build && /^HEALTHCHECK /m.test(image))),
      ),
    ];
    expect([name, missing]).toEqual([name, []]);
  }
  expect(image).toMatch(/^VOLUME \/data$/m);
  expect(readFileSync("deploy/Caddyfile", "utf8")).toContain("reverse_proxy gokura:8080");
  expect(image).toMatch(/^EXPOSE 8080$/m);
});
