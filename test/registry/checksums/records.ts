// Records for tests of the log.
import type { WantedRecord } from "../../../src/registry/checksums/logged-record.ts";
import { sumsOf } from "../../support/memory-log.ts";

/** The record of a version as somebody has seen it, with sums that depend on its name. */
export function observed(name: string, version = "v1.0.0"): WantedRecord {
  const modulePath = `example.com/${name}`;
  return {
    modulePath,
    version,
    known: { ...sumsOf(`${modulePath}@${version}`), basis: "OBSERVED", publicId: undefined },
  };
}
