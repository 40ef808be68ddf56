// A checksum database has a name, such as `sum.example.com/team`, which is where it lives, who signs its tree, and how
// clients name it to a proxy: `/sumdb/<name>/lookup/…`. GOSUMDB spells a database as its verifier key, `name+hash+key`,
// with the URL behind it when that is another; the public database may be given by its name alone.
// Sources: Go Modules Reference, "Checksum database"; golang.org/x/mod/sumdb/note (NewVerifier);
// cmd/go/internal/modfetch/sumdb.go (dbDial) and key.go.
import { invalid } from "../errors.ts";
import { LogFault } from "./log-fault.ts";
import { parseVerifierKey } from "./note.ts";

/** The verifier key of the public database, as the go command has it. The only place that names it. */
const PUBLIC_DATABASE_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
/** Names become directories. */
const MAX_NAME_LENGTH = 200;

export interface SumDatabase {
  /** `host[:port][/path]`, without a slash at the end. */
  readonly name: string;
  /** `name+hash+key` (golang.org/x/mod/sumdb/note). */
  readonly verifierKey: string;
  /** Where it is if not at `https://name`; without a slash at the end. */
  readonly url: string | undefined;
}

/** The database that the go command uses unless told. */
export const PUBLIC_DATABASE: SumDatabase = parseSumDatabase(PUBLIC_DATABASE_KEY);

/** A comma-separated list of databases, each as GOSUMDB spells it; `off` for none. Throws invalid. */
export function parseSumDatabases(text: string): SumDatabase[] {
  const entries = text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  if (entries.includes("off")) {
    if (entries.length > 1) throw invalid("off stands alone: it means that no checksum database is proxied");
    return [];
  }
  const databases = entries.map(parseSumDatabase);
  const twice = databases.find(({ name }, n) => databases.findIndex((other) => other.name === name) !== n);
  if (twice) throw invalid(`${twice.name} is given twice`);
  return databases;
}

/** One database: `name+hash+key` or `name+hash+key URL`, or the name of the public one. Throws invalid. */
function parseSumDatabase(text: string): SumDatabase {
  const [word = "", url, ...rest] = text.trim().split(/\s+/);
  if (rest.length > 0) throw invalid(`"${text.trim()}" has too many words: give name+hash+key and at most a URL`);
  const publicName = PUBLIC_DATABASE_KEY.slice(0, PUBLIC_DATABASE_KEY.indexOf("+"));
  const verifierKey = word === publicName ? PUBLIC_DATABASE_KEY : word;
  return { name: nameIn(verifierKey), verifierKey, url: url === undefined ? undefined : parseUrl(url) };
}

/** The name in a verifier key, which must also be where a database can be. */
function nameIn(verifierKey: string): string {
  try {
    return checkDatabaseName(parseVerifierKey(verifierKey).name);
  } catch (error) {
    throw error instanceof LogFault ? invalid(error.message) : error;
  }
}

/** Checks the name of a database: `host[:port][/path]`, as it stands in a URL. Throws invalid. */
export function checkDatabaseName(name: string): string {
  const plain = URL.canParse(`https://${name}`) ? new URL(`https://${name}`) : undefined;
  if (plain?.href.replace(/\/$/, "") !== `https://${name}` || plain.username !== "" || name.length > MAX_NAME_LENGTH)
    throw invalid(`"${name}" cannot be the name of a checksum database: it must be host[/path]`);
  return name;
}

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash)
    throw invalid(`"${text}" is not the http(s) URL of a checksum database`);
  return url.href.replace(/\/+$/, "");
}

/** The database that a path `<name>/rest` names, and the rest; of several the longest name. Undefined if none does. */
export function databaseIn<D extends Pick<SumDatabase, "name">>(
  databases: readonly D[],
  nameAndRest: string,
): { database: D; rest: string } | undefined {
  const fitting = databases.filter(({ name }) => nameAndRest.startsWith(`${name}/`));
  const database = fitting.sort((a, b) => b.name.length - a.name.length)[0];
  return database && { database, rest: nameAndRest.slice(database.name.length + 1) };
}
