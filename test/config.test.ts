// The settings as an administrator writes them. What documents them is compared with what reads them.
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Config, readConfig } from "../src/config.ts";
import { Failure } from "../src/errors.ts";
import { ensureSelfSigned } from "../src/http/self-signed-certificate.ts";
import { SETTINGS } from "../src/settings/environment.ts";
import { PUBLIC_DATABASE } from "../src/sumdb/database-name.ts";
import { temporary } from "./support/temporary.ts";

const directory = temporary("config");

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

/** The lines that a Failure lists. */
function mistakesOf(environment: Record<string, string>): string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const [head, ...lines] = error.message.split("\n");
    expect(head).toBe("the settings cannot be used:");
    return lines.map((line) => line.replace(/^ {2}- /, ""));
  }
  return [];
}

test("nothing set: an http server for this machine alone, on ./data and the embedded PostgreSQL", () => {
  expect(readConfig({})).toEqual({
    listen: { host: "127.0.0.1", port: 8080 },
    url: undefined,
    moduleHost: "gokura.localhost",
    dataDirectory: join(process.cwd(), "data"),
    role: "all",
    internalUrl: undefined,
    workers: 0,
    repositories: "disk",
    databaseUrl: undefined,
    databaseListenUrl: undefined,
    adminToken: undefined,
    tls: { kind: "off" },
    trustProxy: [],
    sendfile: undefined,
    maxPushBytes: 2 * 1024 ** 3,
    hotCacheBytes: 64 * 1024 ** 2,
    limits: { wrong_credentials: 60, sign_ins: 10, cold_fetches: 3_000, graphql_cost: 300_000, uploads: 600 },
    bucket: undefined,
    backupServer: undefined,
    eviction: undefined,
    logLevel: "info",
    loggedRequests: 1,
    upstream: [{ kind: "off" }],
    anonymousUpstream: true,
    upstreamCaFile: undefined,
    upstreamTtlSeconds: 60,
    vulnerabilityDatabase: undefined,
    validation: undefined,
    cooldown: undefined,
    privatePatterns: "",
    sumDatabases: [PUBLIC_DATABASE],
    upstreamVerify: "require",
    noSumdbPatterns: "",
    sumdbWitnesses: [],
    sumdbName: undefined,
    sumdbKeys: undefined,
    secretKey: undefined,
    allowPrivateNetworks: [],
    modulePages: "https://{path}",
    searchEngines: false,
    signInProvider: undefined,
    token: undefined,
    examines: true,
    tracing: undefined,
    production: false,
    underNpm: false,
    warnings: [],
  } satisfies Config);
});

test("an empty value is no value", () => {
  const empty = Object.fromEntries(SETTINGS.flatMap(({ name }) => [name, `${name}_FILE`]).map((name) => [name, ""]));
  expect(readConfig({ ...empty, GOKURA_NO_SUCH_THING: "" })).toEqual(readConfig({}));
});

test("the configuration cannot be changed afterwards", () => {
  const config = readConfig({}) as { moduleHost: string };
  expect(() => {
    config.moduleHost = "evil.example";
  }).toThrow(TypeError);
});

describe("each setting", () => {
  test.each([
    ["127.0.0.1:8443", { host: "127.0.0.1", port: 8443 }],
    ["[::1]:0", { host: "::1", port: 0 }],
    [":9000", { host: "0.0.0.0", port: 9000 }],
    ["go.example.com:443", { host: "go.example.com", port: 443 }],
  ])("GOKURA_LISTEN=%s", (text, listen) => {
    expect(readConfig({ GOKURA_LISTEN: text }).listen).toEqual(listen);
  });

  test.each(["8080", "127.0.0.1", "::1:8080", "127.0.0.1:65536", "127.0.0.1:-1", "http://127.0.0.1:80", "a b:80"])(
    "GOKURA_LISTEN=%s is a mistake",
    (text) => {
      expect(mistakesOf({ GOKURA_LISTEN: text })).toEqual([
        `GOKURA_LISTEN: "${text}" is not address:port, such as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:443`,
      ]);
    },
  );

  test.each([
    ["https://go.example.com", "https://go.example.com"],
    ["https://GO.example.com:443/", "https://go.example.com"],
    ["http://10.0.0.7:8080", "http://10.0.0.7:8080"],
    ["https://example.com/tools/gokura/", "https://example.com/tools/gokura"],
  ])("GOKURA_URL=%s is %s", (text, url) => {
    expect(readConfig({ GOKURA_URL: text }).url).toBe(url);
  });

  test.each([
    "go.example.com",
    "ftp://go.example.com",
    "https://user@go.example.com",
    "https://:secret@go.example.com",
    "https://go.example.com/?a=b",
    "https://go.example.com/go%6Bura",
    "https://go.example.com//gokura",
  ])("GOKURA_URL=%s is a mistake", (text) => {
    const [mistake, ...more] = mistakesOf({ GOKURA_URL: text });
    expect(mistake).toMatch(/^GOKURA_URL: ".*" (is not an http\(s\) URL|has a path)/);
    expect(more).toEqual([]);
  });

  test.each([
    // the host of the URL, if the go command can begin a module path with it
    [{ GOKURA_URL: "https://Go.Example.com:8443" }, "go.example.com"],
    [{ GOKURA_URL: "https://10.1.2.3" }, "gokura.localhost"],
    [{ GOKURA_URL: "https://[2001:db8::1]:443" }, "gokura.localhost"],
    [{ GOKURA_URL: "https://gokura" }, "gokura.localhost"],
    [{ GOKURA_URL: "https://my_registry.example.com" }, "gokura.localhost"],
    [{ GOKURA_URL: "https://go.example.com." }, "gokura.localhost"],
    // else that of the listener, by the same rule
    [{ GOKURA_LISTEN: "go.example.com:443" }, "go.example.com"],
    [{ GOKURA_LISTEN: "0.0.0.0:443" }, "gokura.localhost"],
    [{ GOKURA_LISTEN: "[::ffff:10.0.0.1]:443" }, "gokura.localhost"],
    // and what is said wins
    [{ GOKURA_URL: "https://a.example.com", GOKURA_MODULE_HOST: "go.corp" }, "go.corp"],
  ])("the module host of %j is %s", (environment, host) => {
    expect(readConfig(environment as Record<string, string>).moduleHost).toBe(host);
  });

  test.each(["gokura", "Go.example.com", "go.example.com:8080", "-a.example", "go..example", "go_1.example", "a.b/c"])(
    "GOKURA_MODULE_HOST=%s cannot begin a module path",
    (text) => {
      expect(mistakesOf({ GOKURA_MODULE_HOST: text })).toEqual([
        `GOKURA_MODULE_HOST: "${text}" cannot begin a module path: it must be a lower-case name with a dot and without a port`,
      ]);
    },
  );

  test("GOKURA_DATA_DIR becomes absolute", () => {
    expect(readConfig({ GOKURA_DATA_DIR: "here/there" }).dataDirectory).toBe(join(process.cwd(), "here/there"));
    expect(isAbsolute(readConfig({ GOKURA_DATA_DIR: "/srv/gokura" }).dataDirectory)).toBe(true);
  });

  test("DATABASE_URL takes both spellings of the scheme, and its password is not shown when it is wrong", () => {
    for (const url of ["postgres://a:b@db/gokura", "postgresql://a:b@db:5433/gokura?sslmode=require"])
      expect(readConfig({ DATABASE_URL: url }).databaseUrl).toBe(url);
    for (const url of ["mysql://a:hush-hush@db/x", "postgres://a:hush-hush@db:port/x", "host=db password=hush-hush"])
      expect(mistakesOf({ DATABASE_URL: url })).toEqual([
        "DATABASE_URL: not a PostgreSQL URL such as postgresql://user:password@host:5432/gokura",
      ]);
  });

  test("GOKURA_ADMIN_TOKEN must be long and sendable, and is not shown when it is not", () => {
    expect(readConfig({ GOKURA_ADMIN_TOKEN: "x".repeat(20) }).adminToken).toBe("x".repeat(20));
    for (const token of ["x".repeat(19), `${"x".repeat(20)} y`, `${"x".repeat(20)}ü`, `${"x".repeat(20)}\n\ny`])
      expect(mistakesOf({ GOKURA_ADMIN_TOKEN: token })).toEqual([
        "GOKURA_ADMIN_TOKEN: must be at least 20 printable characters without spaces",
      ]);
  });

  test("GOKURA_TLS", () => {
    expect(readConfig({ GOKURA_TLS: "off" }).tls).toEqual({ kind: "off" });
    expect(readConfig({ GOKURA_TLS: "self-signed" }).tls).toEqual({ kind: "self-signed" });
    expect(mistakesOf({ GOKURA_TLS: "on" })).toEqual(['GOKURA_TLS: "on" is neither off nor self-signed']);
  });

  test("certificate and key go together, exist, and belong together", async () => {
    const mine = await ensureSelfSigned(join(directory, "mine"), ["localhost"]);
    const other = await ensureSelfSigned(join(directory, "other"), ["localhost"]);
    const [cert, key] = [file("cert.pem", mine.cert), file("key.pem", mine.key)];
    const pair = { GOKURA_TLS_CERT_FILE: cert, GOKURA_TLS_KEY_FILE: key };
    expect(readConfig(pair).tls).toEqual({ kind: "files", certFile: cert, keyFile: key });

    const half = "GOKURA_TLS_CERT_FILE and GOKURA_TLS_KEY_FILE go together: set both or none";
    expect(mistakesOf({ GOKURA_TLS_CERT_FILE: cert })).toEqual([half]);
    expect(mistakesOf({ GOKURA_TLS_KEY_FILE: key })).toEqual([half]);
    expect(mistakesOf({ ...pair, GOKURA_TLS: "self-signed" })).toEqual([
      "GOKURA_TLS=self-signed and GOKURA_TLS_CERT_FILE exclude each other",
    ]);
    const absent = mistakesOf({ GOKURA_TLS_CERT_FILE: "/no/cert", GOKURA_TLS_KEY_FILE: "/no/key" });
    expect(absent).toHaveLength(2);
    expect(absent[0]).toMatch(/^GOKURA_TLS_CERT_FILE: ENOENT.*\/no\/cert/);
    expect(absent[1]).toMatch(/^GOKURA_TLS_KEY_FILE: ENOENT.*\/no\/key/);
    const unusable = /^GOKURA_TLS_CERT_FILE and GOKURA_TLS_KEY_FILE cannot be used: /;
    for (const wrong of [
      { GOKURA_TLS_CERT_FILE: file("text", "hello") },
      { GOKURA_TLS_KEY_FILE: file("k", other.key) },
    ])
      expect(mistakesOf({ ...pair, ...wrong })).toEqual([expect.stringMatching(unusable)]);
  });

  test("GOKURA_SENDFILE_HEADER is one that proxies know, and needs a proxy and zips on the disk", () => {
    const proxied = { GOKURA_TRUST_PROXY: "127.0.0.1" };
    expect(readConfig({ ...proxied, GOKURA_SENDFILE_HEADER: "x-accel-redirect" }).sendfile).toBe("X-Accel-Redirect");
    expect(mistakesOf({ ...proxied, GOKURA_SENDFILE_HEADER: "Location" })).toEqual([
      'GOKURA_SENDFILE_HEADER: "Location" is none of X-Accel-Redirect (nginx, Caddy), X-Sendfile (Apache, lighttpd)',
    ]);
    expect(mistakesOf({ GOKURA_SENDFILE_HEADER: "X-Sendfile" })).toEqual([
      "GOKURA_SENDFILE_HEADER: only a reverse proxy sends files for us: name its address in GOKURA_TRUST_PROXY",
    ]);
  });

  test("GOKURA_TRUST_PROXY is a list of addresses and networks", () => {
    expect(readConfig({ GOKURA_TRUST_PROXY: "10.0.0.1, 192.168.0.0/16,,2001:db8::/32" }).trustProxy).toEqual([
      "10.0.0.1",
      "192.168.0.0/16",
      "2001:db8::/32",
    ]);
    for (const word of [
      "proxy.example.com",
      "10.0.0.0/33",
      "::1/129",
      "10.0.0.0/8/8",
      "10.0.0.0/",
      "10.0.0.0/x",
      "1.2",
    ])
      expect(mistakesOf({ GOKURA_TRUST_PROXY: `127.0.0.1,${word}` })).toEqual([
        `GOKURA_TRUST_PROXY: "${word}" is neither an address nor a CIDR such as 10.0.0.0/8`,
      ]);
  });

  test("sizes in bytes, or with K, M or G", () => {
    const { maxPushBytes, hotCacheBytes } = readConfig({ GOKURA_MAX_PUSH_BYTES: "500M", GOKURA_HOT_CACHE_BYTES: "0" });
    expect([maxPushBytes, hotCacheBytes]).toEqual([500 * 1024 ** 2, 0]);
    expect(readConfig({ GOKURA_MAX_PUSH_BYTES: "1234" }).maxPushBytes).toBe(1234);
    for (const text of ["500MB", "-1", "1.5G", "lots", "99999999999G"])
      expect(mistakesOf({ GOKURA_MAX_PUSH_BYTES: text, GOKURA_HOT_CACHE_BYTES: text })).toEqual([
        `GOKURA_MAX_PUSH_BYTES: "${text}" is not a number of bytes, such as 500M or 2G`,
        `GOKURA_HOT_CACHE_BYTES: "${text}" is not a number of bytes, such as 500M or 2G`,
      ]);
  });

  test("a push limit of 0 is a mistake: git would read it as no limit", () => {
    expect(mistakesOf({ GOKURA_MAX_PUSH_BYTES: "0" })).toEqual([
      "GOKURA_MAX_PUSH_BYTES: 0 would let nothing in; give the bytes that a push may have",
    ]);
  });

  test("GOKURA_LOG_LEVEL", () => {
    expect(readConfig({ GOKURA_LOG_LEVEL: "debug" }).logLevel).toBe("debug");
    expect(mistakesOf({ GOKURA_LOG_LEVEL: "verbose" })).toEqual([
      'GOKURA_LOG_LEVEL: "verbose" is none of silent, fatal, error, warn, info, debug, trace',
    ]);
  });

  test("GOKURA_LOG_REQUESTS is a part of them", () => {
    for (const [text, part] of [
      ["all", 1],
      ["none", 0],
      ["1/100", 0.01],
    ] as const)
      expect(readConfig({ GOKURA_LOG_REQUESTS: text }).loggedRequests).toBe(part);
    expect(mistakesOf({ GOKURA_LOG_REQUESTS: "2%" })).toEqual([
      'GOKURA_LOG_REQUESTS: "2%" is none of all, none, and one in so many, such as 1/100',
    ]);
  });

  test("NODE_ENV=production", () => {
    expect(readConfig({ NODE_ENV: "production" }).production).toBe(true);
    expect(readConfig({ NODE_ENV: "test" }).production).toBe(false);
  });

  test("GOKURA_UPSTREAM, or the GOPROXY of the environment, says whom to ask", () => {
    const kinds = (environment: Record<string, string>): string[] =>
      readConfig(environment).upstream.map((one) => (one.kind === "proxy" ? one.url : one.kind));
    expect(kinds({})).toEqual(["off"]);
    expect(kinds({ GOPROXY: "https://a.example,direct" })).toEqual(["https://a.example", "direct"]);
    expect(kinds({ GOPROXY: "https://a.example", GOKURA_UPSTREAM: "off" })).toEqual(["off"]);
    expect(kinds({ GOKURA_UPSTREAM_FILE: file("up", "https://a:b@b.example/go\n") })).toEqual(["https://b.example/go"]);
    expect(mistakesOf({ GOKURA_UPSTREAM: "https://user:hush-hush@go.corp/?x=hush" })).toEqual([
      'GOKURA_UPSTREAM: "https://…@go.corp/?…": a proxy\'s URL has no "?" and no "#"',
    ]);
    expect(mistakesOf({ GOKURA_UPSTREAM: "file:///srv/go" })).toEqual([
      'GOKURA_UPSTREAM: "file:///srv/go": file: is not an upstream here; give an http or https URL',
    ]);
  });

  test("what of GOPROXY is not for us is left out with a warning, which tells no secret", () => {
    const read = (GOPROXY: string) => {
      const { upstream, warnings } = readConfig({ GOPROXY });
      return [upstream.map((one) => (one.kind === "proxy" ? one.url : one.kind)), warnings];
    };
    const left = (why: string) => `an entry of GOPROXY is left out: ${why}`;
    expect(
      read("file:///srv/go,https://a.example|https://b.example/go?token=hush,http://u:hush@c.example,direct"),
    ).toEqual([
      ["https://a.example", "direct"],
      [
        left('"file:///srv/go": file: is not an upstream here; give an http or https URL'),
        left('"https://b.example/go?…": a proxy\'s URL has no "?" and no "#"'),
        left('"http://…@c.example": credentials are sent over https only, as the go command does'),
      ],
    ]);
    expect(read("file:///srv/go")).toEqual([["off"], [expect.stringContaining("file:///srv/go")]]);
    expect(read(",")).toEqual([["off"], []]);
    expect(readConfig({ GOPROXY: "file:///srv/go", GOKURA_UPSTREAM: "off" }).warnings).toEqual([]);
  });

  test("GOKURA_ANONYMOUS_UPSTREAM is on, but off where the upstream list holds credentials", () => {
    const isOn = (environment: Record<string, string>) => readConfig(environment).anonymousUpstream;
    const open = "https://a.example|https://b.example,direct";
    const bought = "https://a.example,https://user:token@go.corp|direct";
    expect([isOn({}), isOn({ GOKURA_UPSTREAM: open }), isOn({ GOPROXY: open })]).toEqual([true, true, true]);
    expect([isOn({ GOKURA_UPSTREAM: bought }), isOn({ GOPROXY: bought })]).toEqual([false, false]);
    expect(isOn({ GOKURA_UPSTREAM: bought, GOKURA_ANONYMOUS_UPSTREAM: "on" })).toBe(true);
    expect(isOn({ GOKURA_UPSTREAM: open, GOKURA_ANONYMOUS_UPSTREAM: "off" })).toBe(false);
    expect(mistakesOf({ GOKURA_ANONYMOUS_UPSTREAM: "yes" })).toEqual([
      'GOKURA_ANONYMOUS_UPSTREAM: "yes" is neither on nor off',
    ]);
  });

  test("nobody asks himself: passed over in GOPROXY, refused in GOKURA_UPSTREAM", () => {
    const asked = (environment: Record<string, string>) =>
      readConfig(environment).upstream.map((one) => (one.kind === "proxy" ? one.url : one.kind));
    const listen = { GOKURA_LISTEN: "0.0.0.0:8443" };
    for (const host of ["127.0.0.1:8443", "localhost:8443", "[::1]:8443"]) {
      expect(asked({ ...listen, GOPROXY: `https://${host}/api/v4/packages/go,https://a.example` })).toEqual([
        "https://a.example",
      ]);
      expect(
        mistakesOf({ ...listen, GOKURA_UPSTREAM: `https://${host}/api/v4/groups/x/-/packages/go|direct` }),
      ).toEqual(["GOKURA_UPSTREAM: it names an endpoint of this server; give the registry behind it, or off"]);
    }
    const url = { GOKURA_URL: "https://go.example.com" };
    expect(asked({ ...url, GOPROXY: "https://go.example.com/api/v4/packages/go" })).toEqual(["off"]);
    expect(asked({ ...url, GOPROXY: "https://go.example.com:444/api/v4/packages/go" })).toHaveLength(1);
    expect(asked({ ...url, GOKURA_UPSTREAM: "https://go.example.com/another/registry" })).toHaveLength(1);
    expect(asked({ GOKURA_UPSTREAM: "http://127.0.0.1:9000/api/v4/packages/go" })).toHaveLength(1);
  });

  test("GOKURA_UPSTREAM_CA_FILE holds certificates, GOKURA_UPSTREAM_TTL seconds", async () => {
    const { cert } = await ensureSelfSigned(join(directory, "ca"), ["localhost"]);
    const path = file("ca.pem", `# two of them\n${cert}\n${cert}`);
    const config = readConfig({ GOKURA_UPSTREAM_CA_FILE: path, GOKURA_UPSTREAM_TTL: "0" });
    expect([config.upstreamCaFile, config.upstreamTtlSeconds]).toEqual([path, 0]);
    for (const wrong of ["/no/such/file", file("ca.txt", "hello")])
      expect(mistakesOf({ GOKURA_UPSTREAM_CA_FILE: wrong })).toEqual([
        expect.stringMatching(/^GOKURA_UPSTREAM_CA_FILE: .* cannot be used as PEM certificates: /),
      ]);
    for (const ttl of ["1m", "-1", "604801"])
      expect(mistakesOf({ GOKURA_UPSTREAM_TTL: ttl })).toEqual([
        `GOKURA_UPSTREAM_TTL: "${ttl}" is not a number of seconds up to 604800, such as 60`,
      ]);
  });

  test("GOKURA_SUMDB, GOKURA_PRIVATE and GOKURA_ALLOW_PRIVATE_NETWORKS", () => {
    const config = readConfig({
      GOKURA_SUMDB: "off",
      GOKURA_PRIVATE: "*.corp,x.example/a",
      GOKURA_ALLOW_PRIVATE_NETWORKS: "10.0.0.0/8, ::1",
    });
    expect(config).toMatchObject({
      sumDatabases: [],
      privatePatterns: "*.corp,x.example/a",
      allowPrivateNetworks: ["10.0.0.0/8", "::1"],
    });
    expect(mistakesOf({ GOKURA_SUMDB: "sum.example.com", GOKURA_ALLOW_PRIVATE_NETWORKS: "corp" })).toEqual([
      'GOKURA_SUMDB: "sum.example.com" is no verifier key such as sum.example.com+0123abcd+key',
      'GOKURA_ALLOW_PRIVATE_NETWORKS: "corp" is neither an address nor a CIDR such as 10.0.0.0/8',
    ]);
  });

  test("a bucket: what it takes, what follows, and what cannot be", () => {
    const needed = {
      GOKURA_S3_ENDPOINT: "https://s3.example.com/",
      GOKURA_S3_BUCKET: "modules",
      GOKURA_S3_ACCESS_KEY_ID: "key",
      GOKURA_S3_SECRET_ACCESS_KEY: "secret",
    };
    expect(readConfig({ ...needed, GOKURA_S3_PREFIX: "teams/go" }).bucket).toEqual({
      ...{ endpoint: "https://s3.example.com", bucket: "modules", prefix: "teams/go/", region: "us-east-1" },
      ...{
        accessKeyId: "key",
        secretAccessKey: "secret",
        pathStyle: true,
        caFile: undefined,
        partBytes: 256 * 1024 ** 2,
      },
      ...{ redirect: false, cacheBytes: 10 * 1024 ** 3 },
    });
    const amazon = { ...needed, GOKURA_S3_ENDPOINT: "https://s3.eu-central-1.amazonaws.com" };
    expect(readConfig(amazon).bucket?.pathStyle).toBe(false);
    expect(readConfig({ ...amazon, GOKURA_S3_PATH_STYLE: "on" }).bucket?.pathStyle).toBe(true);
    expect(mistakesOf({ ...needed, GOKURA_S3_BUCKET: "", GOKURA_S3_ENDPOINT: "s3" })).toEqual([
      expect.stringMatching(/^GOKURA_S3_BUCKET is missing: a bucket needs GOKURA_S3_ENDPOINT, GOKURA_S3_BUCKET, /),
      expect.stringMatching(/^GOKURA_S3_ENDPOINT: "s3" is not an http/),
    ]);
    expect(mistakesOf({ ...needed, GOKURA_S3_BUCKET: "Up", GOKURA_S3_PREFIX: "/x" })).toEqual([
      'GOKURA_S3_BUCKET: "Up" is no name of a bucket',
      'GOKURA_S3_PREFIX: "/x" is not like gokura or teams/go, without a slash before it',
    ]);
    expect(mistakesOf({ GOKURA_S3_REDIRECT: "on" })).toEqual([expect.stringContaining("set GOKURA_S3_ENDPOINT")]);
    expect(mistakesOf({ GOKURA_S3_BUKET: "x" })).toEqual([expect.stringContaining("did you mean GOKURA_S3_BUCKET?")]);
  });
});

describe("secrets from files", () => {
  test("are trimmed, and an empty file is no value", () => {
    const url = "postgresql://a:b@db/gokura";
    const { databaseUrl, adminToken } = readConfig({
      DATABASE_URL_FILE: file("url", `${url}\n`),
      GOKURA_ADMIN_TOKEN_FILE: file("token", "  twenty-characters-and-more \n"),
    });
    expect([databaseUrl, adminToken]).toEqual([url, "twenty-characters-and-more"]);
    expect(readConfig({ GOKURA_ADMIN_TOKEN_FILE: file("empty", "\n") }).adminToken).toBeUndefined();
  });

  test("both ways at once, or a file that cannot be read, is a mistake", () => {
    expect(mistakesOf({ DATABASE_URL: "postgres://db/x", DATABASE_URL_FILE: file("u", "postgres://db/y") })).toEqual([
      "DATABASE_URL and DATABASE_URL_FILE are both set: give one of them",
    ]);
    expect(mistakesOf({ GOKURA_ADMIN_TOKEN_FILE: "/no/such/file" })).toEqual([
      expect.stringMatching(/^GOKURA_ADMIN_TOKEN_FILE: ENOENT.*\/no\/such\/file/),
    ]);
  });

  test.skipIf(process.getuid?.() === 0)("a file of somebody else is a mistake (root may read everything)", () => {
    const path = file("closed", "twenty-characters-and-more");
    chmodSync(path, 0);
    expect(mistakesOf({ GOKURA_ADMIN_TOKEN_FILE: path })).toEqual([
      expect.stringMatching(/^GOKURA_ADMIN_TOKEN_FILE: EACCES/),
    ]);
  });

  test("what is in the file is checked, and not shown, like the variable", () => {
    expect(mistakesOf({ DATABASE_URL_FILE: file("bad", "mysql://a:hush-hush@db/x") })).toEqual([
      "DATABASE_URL: not a PostgreSQL URL such as postgresql://user:password@host:5432/gokura",
    ]);
  });

  test("only secrets may come from files", () => {
    expect(mistakesOf({ GOKURA_LISTEN_FILE: file("listen", ":80") })).toEqual([
      "GOKURA_LISTEN_FILE is no setting of gokura; did you mean GOKURA_LISTEN?",
    ]);
  });
});

describe("names that are none", () => {
  test.each([
    ["GOKURA_LISTN", "GOKURA_LISTEN"],
    ["GOKURA_DATADIR", "GOKURA_DATA_DIR"],
    ["GOKURA_ADMIN_TOKEN_FIL", "GOKURA_ADMIN_TOKEN_FILE"],
    ["GOKURA_TLS_CERT", "GOKURA_TLS_CERT_FILE"],
    ["GOKURA_MODULEHOST", "GOKURA_MODULE_HOST"],
  ])("%s suggests %s", (name, near) => {
    const [mistake] = mistakesOf({ [name]: "x" });
    expect(mistake).toBe(`${name} is no setting of gokura; did you mean ${near}?`);
  });

  test("nothing is suggested for what is like nothing", () => {
    expect(mistakesOf({ GOKURA_ENABLE_QUANTUM_TELEPORTATION: "1" })).toEqual([
      "GOKURA_ENABLE_QUANTUM_TELEPORTATION is no setting of gokura",
    ]);
  });

  test("names that are not ours are nobody's business", () => {
    expect(mistakesOf({ PATH: "/bin", GOPROXY: "off", DATABASE_URI: "x", XGOKURA_LISTEN: "x" })).toEqual([]);
  });

  test("what Kubernetes tells a pod about Services named gokura is no mistake; the same name by hand is one", () => {
    const links = {
      GOKURA_SERVICE_HOST: "10.96.0.17",
      GOKURA_SERVICE_PORT: "80",
      GOKURA_SERVICE_PORT_HTTP: "80",
      GOKURA_PORT: "tcp://10.96.0.17:80",
      GOKURA_PORT_80_TCP: "tcp://10.96.0.17:80",
      GOKURA_PORT_80_TCP_PROTO: "tcp",
      GOKURA_PORT_80_TCP_PORT: "80",
      GOKURA_PORT_80_TCP_ADDR: "10.96.0.17",
      GOKURA_DB_SERVICE_HOST: "10.96.0.18",
      GOKURA_DB_PORT: "tcp://10.96.0.18:5432",
      GOKURA_DB_PORT_5432_TCP: "tcp://10.96.0.18:5432",
    };
    expect(mistakesOf(links)).toEqual([]);
    expect(mistakesOf({ GOKURA_PORT: "8080" })).toEqual([
      expect.stringMatching(/^GOKURA_PORT is no setting of gokura/),
    ]);
  });
});

test("workers are counted beside the first process", () => {
  expect(["0", "3", "128"].map((text) => readConfig({ GOKURA_WORKERS: text }).workers)).toEqual([0, 3, 128]);
  for (const text of ["129", "-1", "1.5", "auto"])
    expect(mistakesOf({ GOKURA_WORKERS: text })).toEqual([
      `GOKURA_WORKERS: "${text}" is not a number of processes from 0 to 128, such as one less than there are cores`,
    ]);
});

test("all mistakes are told at once", () => {
  const mistakes = mistakesOf({
    GOKURA_LISTEN: "nowhere",
    GOKURA_URL: "nothing",
    GOKURA_MODULE_HOST: "x",
    DATABASE_URL: "x",
    GOKURA_ADMIN_TOKEN: "x",
    GOKURA_TLS: "x",
    GOKURA_TRUST_PROXY: "x",
    GOKURA_MAX_PUSH_BYTES: "x",
    GOKURA_HOT_CACHE_BYTES: "x",
    GOKURA_LOG_LEVEL: "x",
    GOKURA_S3_ENDPOINT: "x",
    GOKURA_LISTNE: "x",
  });
  expect(mistakes).toHaveLength(15);
  for (const name of [
    "LISTEN:",
    "URL:",
    "MODULE_HOST:",
    "ADMIN_TOKEN:",
    "TLS:",
    "TRUST_PROXY:",
    "LOG_LEVEL:",
    "LISTNE ",
  ])
    expect(mistakes.some((line) => line.startsWith(`GOKURA_${name}`))).toBe(true);
});

test("the provider that signs people in: what it takes, what else is said, and what cannot be", () => {
  const needed = { GOKURA_OIDC_ISSUER: "https://id.example.com/realms/main", GOKURA_OIDC_CLIENT_ID: "gokura" };
  expect(readConfig(needed).signInProvider).toEqual({
    ...{ issuer: "https://id.example.com/realms/main", clientId: "gokura", clientSecret: undefined, only: false },
    ...{ name: "id.example.com", scopes: "openid profile email" },
    rules: {
      ...{ usernameClaim: "preferred_username", groupsClaim: "groups", grants: [] },
      ...{ administrators: undefined, createUsers: true },
    },
  });
  const { rules } = readConfig({
    ...needed,
    GOKURA_OIDC_GROUPS: "/devs=acme:developer, cn=ops=acme/infra:owner",
    GOKURA_OIDC_ADMIN_GROUPS: "a, b",
  }).signInProvider!;
  expect(rules).toMatchObject({
    administrators: ["a", "b"],
    grants: [
      { name: "/devs", groupPath: "acme", accessLevel: 30 },
      { name: "cn=ops", groupPath: "acme/infra", accessLevel: 50 },
    ],
  });
  for (const [environment, told] of [
    [{ GOKURA_OIDC_CLIENT_ID: "gokura" }, "go together"],
    [{ ...needed, GOKURA_OIDC_ISSUER: "http://id.example.com" }, "is not the https URL of an issuer"],
    [{ ...needed, GOKURA_OIDC_GROUPS: "devs=acme:emperor" }, '"devs=acme:emperor" is not NAME=GROUP:LEVEL'],
    [{ ...needed, GOKURA_OIDC_ADMIN_GROUPS: " , " }, "it names nothing"],
    [{ GOKURA_OIDC_ONLY: "on" }, "nobody could sign in"],
    [{ GOKURA_OIDC_ISUER: "x" }, "did you mean GOKURA_OIDC_ISSUER?"],
  ] as const)
    expect(mistakesOf(environment)).toEqual([expect.stringContaining(told)]);
});

const PAGE = readFileSync("docs/settings.md", "utf8");

test("docs/settings.md documents every setting that there is, and no other", () => {
  const documented = [...PAGE.matchAll(/^\| *`([A-Z][A-Z0-9_]*)[^|]*\|/gm)]
    .flatMap(([row]) => [...row.matchAll(/`([A-Z][A-Z0-9_]*)\*?`/g)].map(([, name]) => name!))
    .sort();
  const known = SETTINGS.map(({ name }) => name).sort();
  // The row of a secret may name its file form beside it; that is no setting of its own.
  const withoutFiles = documented.filter((name) => !(name.endsWith("_FILE") && known.includes(name.slice(0, -5))));
  expect(withoutFiles).toEqual(known);
});

test("docs/settings.md names the file of every secret, in its row and at its beginning", () => {
  const files = SETTINGS.filter(({ secret }) => secret).map(({ name }) => `${name}_FILE`);
  const [beginning] = PAGE.split("\n| setting |");
  expect([...beginning!.matchAll(/`(\w+_FILE)`/g)].map(([, name]) => name!).sort()).toEqual(files.toSorted());
  const inRows = [...PAGE.matchAll(/^\| `(\w+)` .*Secret: also `(\w+)`/gm)].map(([, name, file]) => [name, file]);
  expect(inRows.sort()).toEqual(files.map((file) => [file.slice(0, -5), file]).sort());
});

test("a default that docs/settings.md gives is what there is without the setting", () => {
  const needed: Record<string, Record<string, string>> = {
    GOKURA_S3_REGION: {
      ...{ GOKURA_S3_ENDPOINT: "http://bucket.example", GOKURA_S3_BUCKET: "zips" },
      ...{ GOKURA_S3_ACCESS_KEY_ID: "a", GOKURA_S3_SECRET_ACCESS_KEY: "s" },
    },
  };
  // One value alone, or one and another for a case: not the name of another setting, nor `blobs` where a bucket is.
  const rows = [...PAGE.matchAll(/^\| `(\w+)` \| `([^`]+)`(?: \||[;,] )/gm)].filter(
    ([, , value]) => !/^[A-Z_\d]{5,}$/.test(value!),
  );
  expect(rows.length).toBeGreaterThan(25);
  for (const [, name, value] of rows)
    expect(readConfig({ ...needed[name!], [name!]: value }), name).toEqual(readConfig(needed[name!] ?? {}));
});
