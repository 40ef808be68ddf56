// The validation hook: a program of the administrator's own that is asked whether a version from upstream may be had. It gets
// Athens' two fields, Module and Version, and answers with Athens' codes: 200 for yes, 403 for no; anything else is no answer.
// What is known beside the name stands in more fields, which a validator for Athens passes over. The message is signed by
// Standard Webhooks. Of the answer no more than a kilobyte is read, whatever it sends, and no longer than five seconds.
// Source: docs.gomods.io, "Validation hooks" (gomods/athens, pkg/middleware/validation.go).
import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { Failure } from "../errors.ts";
import type { AskValidator, ValidatorAnswer } from "../registry/registry.ts";
import { firstBytesOf } from "./bounded-body.ts";
import type { GuardedHttp } from "./guarded-http.ts";
import { signatureOf } from "./webhook-signature.ts";

/** How long the hook may take, in all. */
const TIMEOUT_MS = 5_000;
/** Of its answer so much is read: the reason. */
const REASON_BYTES = 1_024;
/** No answer counts for longer, whatever it says. */
const MAX_AGE_SECONDS = 365 * 24 * 3600;

/** Asks a hook. `key` signs the message; undefined: it is not signed. */
export function validatorAt(url: string, key: Buffer | undefined, http: GuardedHttp): AskValidator {
  return async (question) => {
    const body = Buffer.from(JSON.stringify(question));
    const id = `msg_${randomUUID()}`;
    const timestamp = String(Math.floor(Date.now() / 1000));
    const answer = await http.post(url, body, {
      headers: {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        ...(key === undefined ? {} : { "webhook-signature": signatureOf(key, id, timestamp, body) }),
      },
      maxBytes: Number.MAX_SAFE_INTEGER,
      ...{ connectTimeoutMs: TIMEOUT_MS, firstByteTimeoutMs: TIMEOUT_MS, totalTimeoutMs: TIMEOUT_MS },
    });
    const { status, headers } = answer;
    if (status !== 200 && status !== 403) {
      answer.body.destroy();
      throw new Failure("unavailable", `the validation hook answers ${status}, which is neither 200 nor 403`);
    }
    const reason = oneLine((await firstBytesOf(answer.body, REASON_BYTES)).toString("utf8"));
    return { valid: status === 200, reason, forSeconds: maxAgeOf(headers) };
  };
}

function oneLine(text: string): string {
  return text
    .replace(/[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, " ")
    .replace(/\ufffd+$/, "")
    .trim();
}

/** For how long an answer counts (RFC 9111, 5.2.2); undefined: it does not say. */
function maxAgeOf(headers: IncomingHttpHeaders): ValidatorAnswer["forSeconds"] {
  const said = headers["cache-control"] ?? "";
  if (/(?:^|[\s,])(?:no-store|no-cache)(?:$|[\s,=])/i.test(said)) return 0;
  const seconds = /(?:^|[\s,])max-age="?(\d{1,12})/i.exec(said)?.[1];
  return seconds === undefined ? undefined : Math.min(Number(seconds), MAX_AGE_SECONDS);
}
