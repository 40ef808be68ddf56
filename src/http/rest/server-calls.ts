// The server itself: its version (doc/api/version.md, metadata.md). Clients ask it to find out what they can rely on, so it
// begins with a version of GitLab's whose shapes these are.
import * as z from "zod";
import { PRODUCT_VERSION } from "../../config.ts";
import { call } from "./call.ts";

const VERSION = { version: `18.0.0-gokura.${PRODUCT_VERSION}`, revision: PRODUCT_VERSION };

const Version = z.object({ version: z.string(), revision: z.string() });
const Metadata = Version.extend({
  kas: z.object({ enabled: z.boolean(), externalUrl: z.string().nullable(), version: z.string().nullable() }),
  enterprise: z.boolean(),
});

export const serverCalls = [
  call({
    method: "GET",
    path: "/version",
    tag: "Server",
    summary: "Version of the server",
    scope: "user read",
    parameters: {},
    status: 200,
    answer: Version,
    failures: [],
    handle: async () => VERSION,
  }),
  call({
    method: "GET",
    path: "/metadata",
    tag: "Server",
    summary: "Version of the server, and what it does not have",
    scope: "user read",
    parameters: {},
    status: 200,
    answer: Metadata,
    failures: [],
    handle: async () => ({
      ...VERSION,
      kas: { enabled: false, externalUrl: null, version: null },
      enterprise: false,
    }),
  }),
];
