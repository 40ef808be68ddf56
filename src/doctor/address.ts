// The way to a server as its clients go it, through whatever stands before it: whether it is reached at GOKURA_URL, with a
// certificate that they trust, and whether a reverse proxy hands on what the Go endpoint and the API need: encoded slashes in
// a path, and credentials.
import tls from "node:tls";
import { trustedCertificates } from "../network/trusted-certificates.ts";
import { bytesOf } from "../upstream/bounded-body.ts";
import { openHttp } from "../upstream/guarded-http.ts";
import { doubtful, type Finding, good, wrong } from "./finding.ts";

const ABOUT = "address";
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 64 * 1024;
const DAY_MS = 24 * 3600 * 1000;
const SOON_MS = 14 * DAY_MS;
/** A project whose path has a slash, so that the slash is encoded. It need not exist. */
const ENCODED_SLASH = "/api/v4/projects/gokura%2Fdoctor";
/** Looks like a token, and is nobody's. */
const NO_TOKEN = "gokura-doctor-asks-whether-credentials-arrive";

/** Looks at a running server from outside. `caFile`: PEM certificates that its clients are told to trust. */
export async function examineAddress(url: string, caFile?: string): Promise<Finding[]> {
  const { host } = new URL(url);
  const http = openHttp({ allowNetworks: [], trustedHosts: new Set([host]), caFile });
  const ask = async (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> => {
    const {
      status,
      headers: told,
      body,
    } = await http.get(url + path, {
      headers,
      maxBytes: MAX_BYTES,
      totalTimeoutMs: TIMEOUT_MS,
      connectTimeoutMs: TIMEOUT_MS,
      firstByteTimeoutMs: TIMEOUT_MS,
    });
    const text = (await bytesOf(body)).toString("utf8");
    return { status, text, reason: told["gokura-reason"] };
  };
  try {
    const health = await ask("/-/health");
    if (health.status !== 200)
      return [
        wrong(
          ABOUT,
          `${url}/-/health answers ${health.status}`,
          "Does GOKURA_URL lead to this server? The proxy before it must hand on all paths.",
        ),
      ];
    const findings = [good(ABOUT, `a server answers at ${url}`)];
    findings.push(encodedSlash(await ask(ENCODED_SLASH)));
    findings.push(credentials(await ask("/api/v4/user", { authorization: `Bearer ${NO_TOKEN}` })));
    if (url.startsWith("https:")) findings.push(await examineCertificate(url, caFile));
    return findings;
  } catch (error) {
    const refused = wrong(
      ABOUT,
      (error as Error).message,
      "Is the server up, and does GOKURA_URL name it as clients reach it?",
    );
    return url.startsWith("https:") ? [refused, await examineCertificate(url, caFile)] : [refused];
  } finally {
    http.close();
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly reason: string | string[] | undefined;
}

function encodedSlash({ status, text }: Answer): Finding {
  const isOurs = (status === 401 || status === 404) && text.includes('"reason"') && !text.includes("no_such_address");
  if (isOurs) return good(ABOUT, "encoded slashes in a path arrive as they were sent");
  return wrong(
    ABOUT,
    `a path with an encoded slash (${ENCODED_SLASH}) does not arrive as it was sent: ${status}`,
    "The proxy decodes it. In nginx write proxy_pass without a path behind the host; in Apache set AllowEncodedSlashes NoDecode.",
  );
}

function credentials({ status, text }: Answer): Finding {
  if (status === 401 && text.includes("token_unknown")) return good(ABOUT, "credentials arrive");
  return wrong(
    ABOUT,
    `credentials do not arrive: a token that nobody has got ${status}`,
    "The proxy takes the Authorization header for itself or strips it; have it hand the header on.",
  );
}

/** Whether clients trust the certificate that is shown at an https URL, and for how long still. */
export async function examineCertificate(url: string, caFile?: string): Promise<Finding> {
  const { hostname, port } = new URL(url);
  const ca = trustedCertificates(caFile);
  const about = "certificate";
  try {
    const { problem, expires } = await certificateOf(hostname.replace(/^\[|\]$/g, ""), Number(port || 443), ca);
    const day = expires.toISOString().slice(0, 10);
    const left = expires.getTime() - Date.now();
    if (left < 0) return wrong(about, `it expired on ${day}`, "Renew it: clients refuse it.");
    if (problem !== undefined)
      return wrong(
        about,
        `clients do not trust it: ${problem}`,
        "It must be for this host and signed by a CA that clients know, or clients must be told to trust it (SSL_CERT_FILE).",
      );
    if (left < SOON_MS) return doubtful(about, `it expires on ${day}`, "Renew it.");
    return good(about, `it is trusted, until ${day}`);
  } catch (error) {
    return wrong(about, (error as Error).message, "Does a server that speaks TLS answer there?");
  }
}

function certificateOf(
  host: string,
  port: number,
  ca: readonly string[] | undefined,
): Promise<{ problem: string | undefined; expires: Date }> {
  return new Promise((done, fail) => {
    const socket = tls.connect({
      host,
      port,
      servername: host,
      rejectUnauthorized: false,
      timeout: TIMEOUT_MS,
      ...(ca ? { ca: [...ca] } : {}),
    });
    socket.once("secureConnect", () => {
      const expires = new Date(socket.getPeerCertificate().valid_to);
      const problem = socket.authorized ? undefined : String(socket.authorizationError);
      socket.destroy();
      done({ problem, expires });
    });
    socket.once("timeout", () => socket.destroy(new Error(`no answer from ${host}:${port}`)));
    socket.once("error", fail);
  });
}
