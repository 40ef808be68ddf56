// Whom we trust where an administrator has an authority of the house: that one besides Node's own, and Node's own are all that Node
// would take if nothing were said, those of NODE_EXTRA_CA_CERTS and of the system (--use-system-ca) among them. A `ca` that is given
// to Node replaces these (Node's documentation, tls.createSecureContext), so they are named again.
import { readFileSync } from "node:fs";
import tls from "node:tls";

/** The `ca` of a connection, with the PEM certificates of a file, which is read now; undefined without one: what Node takes itself. */
export function trustedCertificates(caFile: string | undefined): string[] | undefined {
  return caFile === undefined ? undefined : [...tls.getCACertificates("default"), readFileSync(caFile, "utf8")];
}
