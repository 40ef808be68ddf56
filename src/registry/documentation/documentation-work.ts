// What the documentation of a process is made with: a thread, and turns. Apart from the making, because every process opens it
// and few make any.
import { createSingleFlight } from "../../concurrency/single-flight.ts";
import { createSlots } from "../../concurrency/slots.ts";
import { openDocumentationThreads } from "../../godoc/thread/documentation-threads.ts";
import type { DocumentationWork } from "../registry.ts";

/** Versions that are documented whole at the same time: their packages go by turns. */
const WHOLE_AT_ONCE = 2;

/** Opens what the documentation of a process is made with. Nothing starts before it is needed. */
export function openDocumentationWork(): DocumentationWork {
  return {
    threads: openDocumentationThreads(),
    packages: createSingleFlight(),
    versions: createSingleFlight(),
    turns: createSlots(WHOLE_AT_ONCE, { waitMs: Number.POSITIVE_INFINITY }),
  };
}

/** Ends what is being made. */
export async function closeDocumentationWork({ threads, packages, versions }: DocumentationWork): Promise<void> {
  await threads.close();
  await Promise.allSettled([...packages.all(), ...versions.all()]);
}
