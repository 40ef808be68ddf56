// A whole server in the test's own process: real listener, real database, real git, with users and tokens at hand.
import { readFileSync } from "node:fs";
import { type RunningApp, startApp } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import type { TokenScope } from "../../src/database/generated/client.ts";
import type { LeaseTimes } from "../../src/database/lease.ts";
import type { ChecksumLog } from "../../src/registry/checksums/log-state.ts";
import { createPersonalToken } from "../../src/registry/forge/tokens.ts";
import { createUser, findUser } from "../../src/registry/forge/users.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { atEnd, empty } from "./at-end.ts";
import { testDatabase } from "./database.ts";
import { temporary } from "./temporary.ts";

export const MODULE_HOST = "gokura.test";
export const ADMIN_TOKEN = "administrator-token-of-the-tests";

export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly registry: Registry;
  readonly dataDirectory: string;
  /** The certificate's file and text; empty without TLS. */
  readonly certificateFile: string;
  readonly ca: string;
  /** The key of its checksum database, as GOSUMDB holds it. */
  readonly verifierKey: string;
  readonly checksums: ChecksumLog;
  /** What was logged, line by line. */
  readonly logged: string[];
  /** A token of a user, who is made if need be. */
  token(username: string, ...scopes: TokenScope[]): Promise<string>;
  /** Stops it before the end of the test file. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly tls?: boolean;
  readonly environment?: Record<string, string>;
  /** The clock that policies go by. */
  readonly now?: () => number;
  readonly leaseTimes?: LeaseTimes;
  readonly heartbeatMs?: number;
}

/** Starts a server and stops it after the test file. */
export async function testServer({
  tls = false,
  environment = {},
  now,
  leaseTimes,
  heartbeatMs,
}: ServerOptions = {}): Promise<TestServer> {
  const dataDirectory = environment.GOKURA_DATA_DIR ?? temporary("server");
  const logged: string[] = [];
  const config = readConfig({
    DATABASE_URL: environment.DATABASE_URL ?? (await testDatabase()),
    GOKURA_DATA_DIR: dataDirectory,
    GOKURA_LISTEN: "127.0.0.1:0",
    GOKURA_MODULE_HOST: MODULE_HOST,
    GOKURA_ADMIN_TOKEN: ADMIN_TOKEN,
    // What tests invent no checksum database knows.
    GOKURA_UPSTREAM_VERIFY: "off",
    ...(tls ? { GOKURA_TLS: "self-signed" } : {}),
    ...environment,
  });
  const log = createLog("debug", { write: (line: string) => void logged.push(line) });
  const app: RunningApp = await startApp(config, log, { now, leaseTimes, heartbeatMs });
  const { registry, certificateFile = "" } = app;
  const server: TestServer = {
    url: app.url,
    port: app.port,
    registry,
    dataDirectory,
    certificateFile,
    checksums: app.checksums,
    verifierKey: app.checksums.signers[0]!.verifierKey,
    ca: certificateFile === "" ? "" : readFileSync(certificateFile, "utf8"),
    logged,
    stop: () => app.stop(),
    async token(username, ...scopes) {
      if (!(await findUser(registry, username))) await createUser(registry, OPERATOR, { username });
      const wanted = scopes.length > 0 ? scopes : ["api", "write_repository"];
      return (await createPersonalToken(registry, OPERATOR, username, { name: "test", scopes: wanted })).secret;
    },
  };
  atEnd(async () => {
    await app.stop();
    empty(server);
  });
  return server;
}
