// Where a version that was published here comes from, signed. GitLab has the like for its own builds; the form is everybody's.
import * as z from "zod";
import { isValid } from "../../gomod/version.ts";
import { provenanceOf } from "../../registry/provenance/provenance.ts";
import { call } from "./call.ts";
import { text } from "./parameter.ts";

const Envelope = z
  .object({
    payloadType: z.string(),
    payload: z.string().describe("An in-toto statement with SLSA provenance, JSON, in base64"),
    signatures: z.array(z.object({ keyid: z.string().describe("The key of the checksum log"), sig: z.string() })),
  })
  .meta({ id: "DsseEnvelope" });

export const provenanceCalls = [
  call({
    method: "GET",
    path: "/provenance",
    tag: "Checksums",
    summary: "Who published a version of a project, by which token, from which commit: a signed statement",
    description:
      "A DSSE envelope, signed with the key of the checksum log. Whoever may read the module; who published it is told to those who may see the members of the project.",
    scope: "api read",
    anonymous: true,
    parameters: {
      module: text().describe("The module path"),
      version: text().refine(isValid).describe("Such as v1.2.3"),
    },
    status: 200,
    answer: Envelope,
    failures: [404],
    handle: async ({ parts, principal, parameters: { module: path, version }, base }) => {
      const { payloadType, payload, signatures } = await provenanceOf(
        parts.checksums,
        principal,
        { path, version },
        base,
      );
      return { payloadType, payload, signatures: [...signatures] };
    },
  }),
];
