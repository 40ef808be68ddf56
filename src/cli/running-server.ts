// The first line of `gokura --help`: whether the commands of this environment talk to a running server, because the same
// words mean another thing in another directory or without DATABASE_URL.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../config.ts";
import { countConnectedServers } from "../database/connected-servers.ts";
import { isServing } from "../database/postmaster-pid.ts";
import { postgresDirectory, runningDatabaseUrl } from "../database/running-database.ts";
import { isFailure } from "../errors.ts";

/** One sentence about the server or the database that commands would reach. Never throws. */
export async function tellRunningServer(): Promise<string> {
  try {
    const { databaseUrl, dataDirectory } = readConfig();
    if (databaseUrl !== undefined) {
      const { host, pathname } = new URL(databaseUrl);
      return await tellOf(databaseUrl, `the database ${pathname.slice(1)} at ${host}`);
    }
    const cluster = join(postgresDirectory(dataDirectory), "cluster");
    if (!existsSync(cluster))
      return `There is nothing in ${dataDirectory} yet: the first command makes a database there.`;
    const url = isServing(cluster) ? runningDatabaseUrl(dataDirectory) : undefined;
    if (url === undefined)
      return `No server runs on ${dataDirectory}: commands start its PostgreSQL for as long as they take.`;
    return await tellOf(url, dataDirectory);
  } catch (error) {
    if (!isFailure(error)) throw error;
    return `The settings are wrong, and no command will run: ${error.message.replace(/\s*\n[\s-]*/g, " ")}`;
  }
}

async function tellOf(url: string, where: string): Promise<string> {
  try {
    const servers = await countConnectedServers(url);
    if (servers === 0) return `No server runs on ${where}: commands work on its database all the same.`;
    const [who, it] = servers === 1 ? ["A server runs", "it"] : [`${servers} servers run`, "them"];
    return `${who} on ${where}: what commands change takes effect in ${it} within a second.`;
  } catch (error) {
    const { message, code } = error as { message: string; code?: string };
    return `Commands would use ${where}, which does not answer: ${message || code}`;
  }
}
