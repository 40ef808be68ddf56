// gokura trust …
import { type Command, InvalidArgumentError } from "commander";
import { readConfig } from "../config.ts";
import { invalid } from "../errors.ts";
import { patternsOf } from "../registry/access/workloads.ts";
import {
  createTrust,
  deleteTrust,
  explainIdToken,
  findTrusts,
  type IdTokenExplanation,
} from "../registry/forge/trusts.ts";
import { PAGE_LIMIT } from "../registry/lists/keyset-page.ts";
import type { TrustRow } from "../registry/rows.ts";
import { day, JSON_OPTION, wholeNumber, words } from "./options.ts";
import { type PrintedRow, printJson, printOne, printRows } from "./output.ts";
import { checkOwner, ownerNamed } from "./owner.ts";
import { withRegistry } from "./with-registry.ts";

export function addTrustCommands(program: Command): void {
  const trust = program.command("trust").description("CI jobs that need no secret: whose ID tokens may do what");
  trust
    .command("add")
    .description("trust an issuer of ID tokens (OpenID Connect) in a project or a group")
    .option("--project <path>", "in this project")
    .option("--group <path>", "in all projects at or below this group")
    .requiredOption("--issuer <url>", "as its tokens say it (claim iss); github and gitlab stand for those of the two")
    .requiredOption("--claim <name=pattern>", "a claim that must match; repeat it for more", claim, {})
    .requiredOption("--scope <scopes>", "what the jobs may do, with commas", words)
    .option("--audience <text>", "what the tokens must be for (claim aud); default: GOKURA_URL")
    .option("--expires <YYYY-MM-DD>", "counts no more from this day on", day)
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      `
In a pattern * stands for any text without / and :, and ** for any text.
Scopes: read_package_registry (Go endpoint), read_api (the same, and the APIs), read_repository (git fetch),
write_repository (git push), write_package_registry (uploads).
Example: gokura trust add --project acme/lib --issuer github --claim repository=acme/lib --claim 'ref=refs/tags/v*' --scope write_repository
Example: gokura trust add --group acme --issuer https://gitlab.example.com --claim 'project_path=acme/**' --scope read_package_registry`,
    )
    .action(({ project, group, issuer, claim: claims, scope, audience = audienceSet(), expires, json = false }) => {
      checkOwner({ project, group });
      return withRegistry(async (registry, operator) => {
        const owner = await ownerNamed(registry, operator, { project, group });
        const wanted = { issuer: KNOWN_ISSUERS[issuer] ?? issuer, audience, claims, scopes: scope, expiresAt: expires };
        printOne(rowOf(await createTrust(registry, operator, owner, wanted)), json);
      });
    });
  trust
    .command("list")
    .description("the trusted issuers of a project or a group itself, or all there are")
    .option("--project <path>")
    .option("--group <path>")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura trust list --project acme/lib")
    .action(({ project, group, json = false }) =>
      withRegistry(async (registry, operator) => {
        const owner =
          project === undefined && group === undefined
            ? undefined
            : await ownerNamed(registry, operator, { project, group });
        const rows: TrustRow[] = [];
        for (let more = true; more; ) {
          const numbered = { offset: rows.length, limit: PAGE_LIMIT, counted: false };
          const found = await findTrusts(registry, operator, owner, numbered);
          rows.push(...found.rows);
          more = found.more;
        }
        printRows(rows.map(rowOf), json, "no issuer is trusted here; add one with gokura trust add");
      }),
    );
  trust
    .command("remove")
    .description("end a trust: its tokens are refused at once")
    .argument("<id>", "the number that list shows", wholeNumber)
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura trust remove 3")
    .action((id, { json = false }) =>
      withRegistry(async (registry, operator) => printOne(rowOf(await deleteTrust(registry, operator, id)), json)),
    );
  trust
    .command("check")
    .description("say why an ID token is taken here or not, claim by claim")
    .argument("[token]", "the token; else it is read from standard input, which keeps it out of the list of processes")
    .option(...JSON_OPTION)
    .addHelpText("after", '\nEnds with 1 if nothing takes it.\nExample: echo "$ID_TOKEN" | gokura trust check')
    .action((given, { json = false }) =>
      withRegistry(async (registry, operator) => {
        const token = (given ?? (await standardInput())).trim();
        const explanation = await explainIdToken(registry, operator, token);
        const taken =
          explanation.refusal === undefined && explanation.trusts.some(({ differs }) => differs.length === 0);
        if (json) printJson({ taken, ...jsonOf(explanation) });
        else for (const line of explained(explanation, taken)) console.log(line);
        if (!taken) process.exitCode = 1;
      }),
    );
}

const KNOWN_ISSUERS: Readonly<Record<string, string>> = {
  github: "https://token.actions.githubusercontent.com",
  gitlab: "https://gitlab.com",
};

function claim(word: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const at = word.indexOf("=");
  if (at < 1 || at === word.length - 1)
    throw new InvalidArgumentError("use NAME=PATTERN, such as repository=acme/lib.");
  const name = word.slice(0, at);
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`${name} is named twice.`);
  return { ...before, [name]: word.slice(at + 1) };
}

function audienceSet(): string {
  const { url } = readConfig();
  if (url !== undefined) return url;
  throw invalid("name the audience with --audience, or set GOKURA_URL, which is what it then is", "audience");
}

async function standardInput(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk;
  return text;
}

function rowOf(trust: TrustRow): PrintedRow {
  return {
    id: trust.id,
    of: trust.project?.fullPath ?? trust.group?.fullPath,
    issuer: trust.issuer,
    audience: trust.audience,
    claims: Object.entries(patternsOf(trust)).map(([name, pattern]) => `${name}=${pattern}`),
    scopes: trust.scopes,
    expires: trust.expiresAt,
  };
}

function jsonOf({ issuer, claims, refusal, trusts }: IdTokenExplanation) {
  return { issuer, claims, refusal, trusts: trusts.map(({ trust, differs }) => ({ ...rowOf(trust), differs })) };
}

function explained({ issuer, claims, refusal, trusts }: IdTokenExplanation, taken: boolean): string[] {
  const lines = [`issuer   ${issuer}`, `subject  ${String(claims.sub ?? "")}`];
  if (refusal) lines.push(`the token itself is refused (${refusal.reason}): ${refusal.message}`);
  else if (trusts.length > 0) lines.push("its signature and its times are right");
  if (trusts.length === 0)
    lines.push("nothing here trusts this issuer; the URL must be the very same (gokura trust list)");
  for (const { trust, differs } of trusts) {
    const where = `trust ${trust.id} of ${trust.project?.fullPath ?? trust.group?.fullPath}`;
    if (differs.length === 0) lines.push(`${where}: fits, and gives ${trust.scopes.join(", ")}`);
    for (const { claim: name, pattern, value } of differs)
      lines.push(`${where}: ${name} is ${value === undefined ? "not in the token" : value}, and must be ${pattern}`);
  }
  lines.push(taken ? "it is taken" : "it is not taken");
  return lines;
}
