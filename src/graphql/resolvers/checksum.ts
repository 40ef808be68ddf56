// The checksum log: what it says of a version, and the log itself. Whoever sees a version may hear what its sums are.
import { describeLog, provedRecordOf } from "../../registry/checksums/record-proof.ts";
import { provenanceOf } from "../../registry/provenance/provenance.ts";
import type { GoModuleVersionResolvers, QueryResolvers } from "../generated.ts";
import { stillThere } from "./still-there.ts";

export const checksumQueries = {
  checksumDatabase: async (_, __, { checksums }) => {
    const described = await describeLog(checksums);
    return { ...described, size: BigInt(described.size) };
  },
} satisfies QueryResolvers;

export const checksumsOfGoModuleVersion = {
  checksumRecord: async ({ moduleId, version }, _, { checksums, loaders }) => {
    const { path } = stillThere(await loaders.module.load(moduleId));
    const found = await provedRecordOf(checksums, path, version);
    return found ? { id: BigInt(found.id), treeSize: BigInt(found.treeSize), proof: found.proof } : null;
  },
  provenance: async ({ moduleId, version, h1 }, _, { checksums, principal, loaders, urls }) => {
    const { path, projectId } = stillThere(await loaders.module.load(moduleId));
    if (projectId === null || h1 === null) return null;
    return JSON.stringify(await provenanceOf(checksums, principal, { path, version }, urls.instance));
  },
} satisfies GoModuleVersionResolvers;
