// Heads of our own log are shown to witnesses (GOKURA_SUMDB_WITNESSES), never more often than every ten seconds, and never in
// the way of a lookup: whoever asks for a record does not wait for them. The newest head that more than half of them have
// signed is kept, and is what /checkpoint shows. A witness that the administrators of the registry do not own makes it
// impossible for them to show somebody another history.
// Source: https://c2sp.org/tlog-witness (add-checkpoint).
import { Readable } from "node:stream";
import { forgetCosigned, keepCosigned } from "../registry/checksums/cosigned-heads.ts";
import { noteOf } from "../registry/checksums/log-names.ts";
import { hashesOf } from "../registry/checksums/log-records.ts";
import { type ChecksumLog, readCommittedTree } from "../registry/checksums/log-state.ts";
import { type Witness, witnessRequest } from "../sumdb/cosignature.ts";
import { openNote } from "../sumdb/note.ts";
import type { TreeHead } from "../sumdb/tree-head.ts";
import { proveTree } from "../sumdb/tree-proof.ts";
import { firstBytesOf } from "./bounded-body.ts";

/** Between two heads that are shown. */
const PERIOD_MS = 10_000;
/** How long one witness may take. */
const PATIENCE_MS = 10_000;
/** A line is some hundred bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** The showing of heads to witnesses. */
export interface Witnessing {
  /** Shows them the newest head now. Never rejects. */
  round(): Promise<void>;
  close(): void;
}

/** Shows the newest head to witnesses until it is closed; without any what they signed before is shown no more. */
export function keepWitnessed(log: ChecksumLog, witnesses: readonly Witness[]): Witnessing {
  if (witnesses.length === 0) {
    forgetCosigned(log.registry).catch((error: unknown) =>
      log.registry.log.warn({ err: error }, "an old head with witnesses' signatures is still shown"),
    );
    return { round: async () => {}, close() {} };
  }
  const signed: SignedHeads = { lines: new Map(), kept: new Map() };
  let running: Promise<void> | undefined;
  const showAll = async (): Promise<void> => {
    if (log.state.closed !== undefined) return;
    try {
      const head = await readCommittedTree(log);
      if (head.size > 0) for (const { name } of log.signers) await showHead(log, witnesses, name, head, signed);
    } catch (error) {
      log.registry.log.warn({ err: error }, "the head of the checksum log was not shown to witnesses");
    }
  };
  const round = (): Promise<void> => {
    running ??= showAll().finally(() => {
      running = undefined;
    });
    return running;
  };
  void round();
  const timer = setInterval(() => void round(), PERIOD_MS).unref();
  return { round, close: () => clearInterval(timer) };
}

interface SignedHeads {
  /** What each witness has signed last, by name of the log and its URL: the size of the head, and its line. */
  readonly lines: Map<string, { readonly size: number; readonly line: string }>;
  /** The lines under the head that is kept, by name of the log. */
  readonly kept: Map<string, string>;
}

async function showHead(
  log: ChecksumLog,
  witnesses: readonly Witness[],
  name: string,
  head: TreeHead,
  { lines, kept }: SignedHeads,
): Promise<void> {
  const checkpoint = await noteOf(log, head, name, name);
  // Those that signed in an earlier round count: another one was away then.
  const all = await Promise.all(
    witnesses.map(async (witness): Promise<string> => {
      const key = `${name} ${witness.url}`;
      const known = lines.get(key);
      if (known?.size === head.size) return known.line;
      try {
        const line = await cosignature(log, witness, head, checkpoint, known?.size ?? 0);
        lines.set(key, { size: head.size, line });
        return line;
      } catch (error) {
        const { message } = error as Error;
        log.registry.log.warn({ witness: witness.url, reason: message }, "a witness did not sign the head");
        return "";
      }
    }),
  );
  const good = all.filter((line) => line !== "");
  const text = good.join("");
  if (good.length * 2 <= witnesses.length || kept.get(name) === text) return;
  await keepCosigned(log.registry, name, head.size, Buffer.concat([checkpoint, Buffer.from(text)]));
  kept.set(name, text);
}

/** The line that a witness adds. It may know another head than we believe: then it says so, and is asked once more. */
async function cosignature(
  log: ChecksumLog,
  { url, verifier }: Witness,
  head: TreeHead,
  checkpoint: Buffer,
  known: number,
): Promise<string> {
  for (let old = known, tries = 0; ; tries++) {
    if (old > head.size) throw new Error(`it has seen ${old} records, and this log has ${head.size}`);
    const proof = old === 0 || old === head.size ? [] : await proveTree(head.size, old, hashesOf(log));
    const answer = await fetch(`${url}/add-checkpoint`, {
      method: "POST",
      body: new Uint8Array(witnessRequest(old, proof, checkpoint)),
      signal: AbortSignal.timeout(PATIENCE_MS),
      redirect: "error",
    });
    const body = Readable.from(answer.body ?? [], { objectMode: false });
    const text = (await firstBytesOf(body, MAX_ANSWER_BYTES)).toString();
    if (answer.status === 409 && tries === 0 && /^\d{1,15}\n$/.test(text)) {
      old = Number(text);
      continue;
    }
    if (answer.status !== 200) throw new Error(`it answered ${answer.status}`);
    openNote(Buffer.concat([checkpoint, Buffer.from(text)]), [verifier]);
    return text;
  }
}
