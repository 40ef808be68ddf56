// Blobs that the reverse proxy sends itself: the answer is a header that names the file, and the proxy puts the file in its
// place, by the kernel's sendfile. Who may have it has been asked by then. nginx and Caddy take X-Accel-Redirect, a path of
// theirs that nobody else can ask for; Apache and lighttpd take X-Sendfile, the file's own path. Only a proxy that is known by its address is
// told so: to anybody else the answer would be empty.
import { join } from "node:path";
import { networkList, plainAddress } from "../network/ip-address.ts";
import type { Blobs } from "./blobs.ts";

export const SENDFILE_HEADERS = ["X-Accel-Redirect", "X-Sendfile"] as const;
export type SendfileHeader = (typeof SENDFILE_HEADERS)[number];

/** Where the blobs are for a proxy that takes X-Accel-Redirect: the place that its configuration gives them. */
const ACCEL_PREFIX = "/gokura-blobs/";

/** The blobs of a directory, which the proxies at these addresses (and CIDRs) send themselves. */
export function sentByProxy(
  blobs: Blobs,
  directory: string,
  header: SendfileHeader,
  proxies: readonly string[],
): Blobs {
  const isProxy = networkList(proxies);
  return {
    ...blobs,
    handOver: (key, peer) =>
      isProxy(plainAddress(peer))
        ? [header, header === "X-Accel-Redirect" ? `${ACCEL_PREFIX}${key}` : join(directory, key)]
        : undefined,
  };
}
