// POST /api/v4/packages/go/prefetch: the text of a go.sum file, whose versions are fetched from upstream and compared with its
// sums, before a build asks for them. What comes of each version is told as it comes, a line of JSON each, and last the numbers;
// whoever goes away ends it. Names that are ours are passed over: what is published here needs no fetching.
import { once } from "node:events";
import type { Context } from "koa";
import { createSlots } from "../../concurrency/slots.ts";
import { Failure } from "../../errors.ts";
import { addGoSum, type WantedVersion } from "../../intake/go-sum.ts";
import { importVersions } from "../../intake/imports.ts";
import { demandUpstream, requireScope } from "../../registry/access/access.ts";
import { authenticate } from "../../registry/access/authentication.ts";
import { isOwned } from "../../registry/forge/module-owner.ts";
import { nameOfPrincipal } from "../../registry/principal.ts";
import { credentialsOf } from "../protocol/credentials.ts";
import type { GoProxy } from "./go-proxy.ts";

/** The go.sum files of the largest builds have a tenth of it. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** How many run at once, for everybody and for one; others wait a minute for their turn. */
const places = createSlots(4, { perCaller: 1, what: "prefetches" });

/** Answers a request to prefetch. Whoever may have modules from upstream, with a token. */
export async function servePrefetch(proxy: GoProxy, ctx: Context): Promise<void> {
  const { registry } = proxy.hosted;
  const principal = await authenticate(registry, credentialsOf(ctx.headers));
  ctx.state.principal = principal;
  requireScope(principal, "go endpoint");
  demandUpstream(principal, registry);
  if (principal.kind === "anonymous")
    throw new Failure("unauthenticated", "prefetching is for those who sign in: send a token");
  const wanted = new Map<string, WantedVersion>();
  addGoSum(wanted, await textOf(ctx), "go.sum");
  const ofOthers: WantedVersion[] = [];
  for (const one of wanted.values()) if (!(await isOwned(registry, one.modulePath))) ofOthers.push(one);

  const leave = await places.take(undefined, nameOfPrincipal(principal));
  const gone = new AbortController();
  const { res } = ctx;
  const stop = (): void => gone.abort();
  res.once("close", stop);
  const counts = { new: 0, present: 0, refused: 0 };
  try {
    ctx.respond = false;
    res.writeHead(200, { "Content-Type": "application/x-ndjson", "Cache-Control": "no-store" });
    const tell = async (line: object): Promise<void> => {
      if (!res.write(`${JSON.stringify(line)}\n`) && !res.destroyed)
        await Promise.race([once(res, "drain"), once(res, "close")]);
    };
    const parts = { principal, proxy: proxy.dependencies, uploads: proxy.uploads, client: undefined };
    for await (const imported of importVersions(parts, ofOthers, gone.signal)) {
      counts[imported.outcome]++;
      await tell(imported);
    }
    await tell({ ...counts, done: true });
    res.end();
  } finally {
    res.off("close", stop);
    leave();
  }
}

async function textOf(ctx: Context): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const body: AsyncIterable<Buffer> = ctx.req.iterator({ destroyOnReturn: false });
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Failure("too-large", `a go.sum has at most ${MAX_BODY_BYTES} bytes here`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
