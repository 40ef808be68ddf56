// The registries behind this one: whether they answer, take our credentials, and agree with our clock. What is asked for is a
// module that everybody knows, so that no private name leaves; a registry without it has answered too.

import { bytesOf } from "../upstream/bounded-body.ts";
import { openHttp } from "../upstream/guarded-http.ts";
import { hostsNamedIn, type ProxyUpstream, type UpstreamList } from "../upstream/policy.ts";
import { doubtful, type Finding, good, wrong } from "./finding.ts";

const KNOWN_MODULE = "golang.org/x/mod";
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1024 * 1024;
/** By so much clocks differ without harm: times of versions are told in seconds, ID tokens have seconds of grace. */
const CLOCK_TOLERANCE_MS = 10_000;

interface UpstreamSettings {
  readonly upstream: UpstreamList;
  readonly upstreamCaFile: string | undefined;
  readonly allowPrivateNetworks: readonly string[];
}

/** Asks each upstream one thing. `now` is this machine's clock. */
export async function examineUpstreams(settings: UpstreamSettings, now: () => number = Date.now): Promise<Finding[]> {
  const proxies = settings.upstream.filter((upstream) => upstream.kind === "proxy");
  if (proxies.length === 0)
    return [
      settings.upstream[0]?.kind === "off"
        ? good("upstream", "nobody is asked for modules of others (GOKURA_UPSTREAM is off)")
        : good("upstream", "modules of others come from their own repositories (direct)"),
    ];
  const http = openHttp({
    allowNetworks: settings.allowPrivateNetworks,
    trustedHosts: hostsNamedIn(settings.upstream),
    caFile: settings.upstreamCaFile,
  });
  try {
    return (await Promise.all(proxies.map((proxy) => examine(http, proxy, now)))).flat();
  } finally {
    http.close();
  }
}

async function examine(http: ReturnType<typeof openHttp>, proxy: ProxyUpstream, now: () => number): Promise<Finding[]> {
  const about = `upstream ${proxy.name}`;
  try {
    const { status, headers, body } = await http.get(`${proxy.url}/${KNOWN_MODULE}/@v/list`, {
      headers: proxy.authorization === undefined ? {} : { authorization: proxy.authorization },
      maxBytes: MAX_BYTES,
      totalTimeoutMs: TIMEOUT_MS,
      connectTimeoutMs: TIMEOUT_MS,
      firstByteTimeoutMs: TIMEOUT_MS,
    });
    await bytesOf(body).catch(() => {});
    return [answered(about, proxy, status), ...clock(about, headers.date, now())];
  } catch (error) {
    return [
      wrong(about, (error as Error).message, "Is the address in GOKURA_UPSTREAM right, and is the way there open?"),
    ];
  }
}

function answered(about: string, { authorization }: ProxyUpstream, status: number): Finding {
  if (status === 401 || status === 403)
    return wrong(
      about,
      `it answers ${status}`,
      authorization === undefined
        ? "It wants credentials: write https://USER:TOKEN@HOST into GOKURA_UPSTREAM."
        : "It does not take the credentials in GOKURA_UPSTREAM: make a new token there.",
    );
  if (status >= 500) return wrong(about, `it answers ${status}`, "It is in trouble itself; look at its log.");
  if (status === 200) return good(about, "it answers");
  if (status === 404 || status === 410) return good(about, `it answers (and has no ${KNOWN_MODULE})`);
  return doubtful(about, `it answers ${status}`, "Is this the address of a Go proxy? A browser's page is none.");
}

function clock(about: string, date: string | undefined, now: number): Finding[] {
  const theirs = Date.parse(date ?? "");
  if (Number.isNaN(theirs) || Math.abs(theirs - now) <= CLOCK_TOLERANCE_MS) return [];
  const seconds = Math.round(Math.abs(theirs - now) / 1000);
  return [
    doubtful(
      about,
      `its clock is ${seconds} seconds ${theirs > now ? "ahead of" : "behind"} the one of this machine`,
      "Have this machine set its clock by NTP: tokens and certificates begin and end by it.",
    ),
  ];
}
