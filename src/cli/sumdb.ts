// gokura sumdb …: the checksum database, from the server's own machine.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { type Config, readConfig } from "../config.ts";
import { Failure, notFound } from "../errors.ts";
import { openSigners } from "../open-registry.ts";
import { openChecksumLog } from "../registry/checksums/checksum-log.ts";
import { provedRecordOf } from "../registry/checksums/record-proof.ts";
import { addName } from "../registry/checksums/signing-keys.ts";
import { verifyLog } from "../registry/checksums/verify-log.ts";
import type { Registry } from "../registry/registry.ts";
import { makeDirectory, writeDurably } from "../storage/durable-files.ts";
import { checkDatabaseName } from "../sumdb/database-name.ts";
import { LogFault } from "../sumdb/log-fault.ts";
import { checkProof } from "../sumdb/log-proof.ts";
import { generateSignerKey, parseVerifierKey, type Signer } from "../sumdb/note.ts";
import { headText, parseHead } from "../sumdb/tree-head.ts";
import { JSON_OPTION } from "./options.ts";
import { printJson, printOne } from "./output.ts";
import { auditDatabase } from "./sumdb-audit.ts";
import { addSumdbTrustCommands } from "./sumdb-trust.ts";
import { withRegistry } from "./with-registry.ts";

export function addSumdbCommands(program: Command): void {
  const sumdb = program.command("sumdb").description("the checksum database: its key, and whether it is what it was");
  sumdb
    .command("key")
    .description("print the lines for GOSUMDB, the current name first; run it with the server's settings")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: GOKURA_URL=https://go.example.com gokura sumdb key")
    .action(async ({ json = false }) => print(await openSigners(readConfig()), json));
  sumdb
    .command("new-key")
    .argument("<name>", "host[:port][/path], such as the host of GOKURA_URL and /sumdb")
    .description("print a new signing key for GOKURA_SUMDB_KEY, before several servers that share it first start")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nNothing is kept, and no server changes its key: gokura sumdb rename does that.\nExample: gokura sumdb new-key go.example.com/sumdb > deploy/secrets/sumdb_key",
    )
    .action((name: string, { json = false }) => {
      const key = generateSignerKey(checkDatabaseName(name));
      if (json) printJson({ key });
      else console.log(key);
    });
  sumdb
    .command("rename")
    .argument("<name>", "host[:port][/path]")
    .description(
      "give it another name with a key of its own; the old one is answered as well, for as long as its key is kept",
    )
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nThe server takes it up at its next start.\nExample: gokura sumdb rename go.example.com/sumdb/2",
    )
    .action(async (name: string, { json = false }) => {
      const config = readConfig();
      demandOwnKeys(config);
      await openSigners(config); // the first name stays the first
      print(await addName(config.dataDirectory, checkDatabaseName(name)), json);
    });
  sumdb
    .command("verify")
    .description("work the whole log out again from its records, and compare it with all that was said of them")
    .option("--zips", "read and hash the zips again, too")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nIt ends with 1 when anything is wrong, and names it.\nExample: gokura sumdb verify --zips")
    .action(({ zips = false, json = false }) => withRegistry((registry) => verify(registry, zips, json)));
  sumdb
    .command("proof")
    .argument("<module@version>")
    .description("print the proof that the sums of a version are in the log, to be checked offline")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura sumdb proof go.example.com/acme/lib@v1.2.3 > lib.proof")
    .action((what: string, { json = false }) => withRegistry((registry) => printProof(registry, what, json)));
  sumdb
    .command("check")
    .argument("<file>", "what gokura sumdb proof printed")
    .description("check a proof by the key of the log alone")
    .option("--key <key>", "the GOSUMDB line of the log; without it, that of this server")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura sumdb check lib.proof --key 'go.example.com/sumdb+0123abcd+AbC…'")
    .action((file: string, { key, json = false }) => check(file, key, json));
  sumdb
    .command("audit")
    .argument("<url>", "where the database is, such as https://go.example.com/sumdb")
    .description("check a checksum database from outside: signature, every hash, and that it continues what it was")
    .option("--key <key>", "its GOSUMDB line; without it, that of this server")
    .option("--head <file>", "where the head is kept from one time to the next")
    .option("--token-file <file>", "a token with read_checksum_log, or of an administrator: checks the records too")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura sumdb audit https://go.example.com/sumdb --head last-head")
    .action(audit);
  addSumdbTrustCommands(sumdb);
}

/** Where the head of the last time is. */
const verifiedFile = (dataDirectory: string): string => join(dataDirectory, "sumdb", "verified");
/** The first line of the file that holds the head that was verified last. */
const VERIFIED = "gokura verified head";

async function verify(registry: Registry, zips: boolean, json: boolean): Promise<void> {
  const file = verifiedFile(registry.dataDirectory);
  const kept = await readFile(file, "utf8").catch(() => undefined);
  const before = kept === undefined ? undefined : parseHead(kept, VERIFIED);
  const verdict = await verifyLog(registry, { before, zips, progress: onTerminal });
  const { size, root, problems } = verdict;
  const said = { records: size, root: root.toString("base64"), since: before?.size ?? null, zips: verdict.zips };
  if (json) printJson({ ...said, problems });
  else printOne(said, false);
  if (problems.length > 0)
    throw new Failure("conflict", `the log is not what it says:\n${problems.map((one) => `  - ${one}`).join("\n")}`);
  await makeDirectory(dirname(file), 0o700);
  await writeDurably(file, headText({ size, root }, VERIFIED), { mode: 0o600 });
  if (!json) console.log("the log is what it says");
}

async function printProof(registry: Registry, what: string, json: boolean): Promise<void> {
  const at = what.lastIndexOf("@");
  if (at <= 0) throw new InvalidArgumentError("give MODULE@VERSION.");
  const log = await openChecksumLog(registry, await openSigners(readConfig()));
  const proved = await provedRecordOf(log, what.slice(0, at), what.slice(at + 1));
  if (!proved) throw notFound(`${what} is not in the log`);
  const { id, treeSize, proof } = proved;
  if (json) printJson({ id, treeSize, proof });
  else process.stdout.write(proof);
}

async function check(file: string, key: string | undefined, json: boolean): Promise<void> {
  const verifierKey = key ?? (await openSigners(readConfig()))[0]!.verifierKey;
  const { id, text, head } = await orFailure(async () =>
    checkProof(await readFile(file, "utf8"), parseVerifierKey(verifierKey)),
  );
  if (json) printJson({ id, size: head.size, record: text });
  else console.log(`record ${id} of ${head.size}\n${text}`);
}

interface AuditWords {
  readonly key?: string;
  readonly head?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

async function audit(url: string, { key, head, tokenFile, json = false }: AuditWords): Promise<void> {
  const verifierKey = key ?? (await openSigners(readConfig()))[0]!.verifierKey;
  const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, "utf8")).trim();
  const found = await orFailure(() =>
    auditDatabase({ url: url.replace(/\/+$/, ""), verifierKey, headFile: head, token, progress: onTerminal }),
  );
  printOne({ ...found, since: found.since ?? null }, json);
}

/** What a log says that is not so is told in a sentence; of a fork both notes, which are the proof. */
async function orFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LogFault)) throw error;
    const { older, newer } = error.evidence ?? {};
    const notes = older && newer ? `\n\n${older}\nand\n\n${newer}` : "";
    throw new Failure("conflict", `${error.message}${notes}`, { cause: error });
  }
}

/** Tells a person how far it is. */
function onTerminal(done: number, size: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${size} records${done === size ? "\n" : ""}`);
}

function demandOwnKeys({ sumdbKeys, sumdbName }: Config): void {
  if (sumdbKeys !== undefined)
    throw new Failure(
      "conflict",
      "the keys are those of GOKURA_SUMDB_KEY: put a key of the new name in front of them there",
    );
  if (sumdbName !== undefined)
    throw new Failure("conflict", "the name is that of GOKURA_SUMDB_NAME: set the new name there");
}

function print(signers: readonly Signer[], json: boolean): void {
  if (json) printJson(signers.map(({ name, verifierKey }) => ({ name, gosumdb: verifierKey })));
  else for (const { verifierKey } of signers) console.log(verifierKey);
}
