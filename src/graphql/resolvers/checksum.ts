// The checksum log: what it says of a version, and the log itself. Whoever sees a version may hear what its sums are.
import { describeLog, provedRecordOf } from "../../registry/checksums/record-proof.ts";
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
} satisfies GoModuleVersionResolvers;
