import type { RejectedTagResolvers } from "../generated.ts";
import { present } from "./present.ts";

export const RejectedTag: RejectedTagResolvers = {
  name: ({ tag }) => tag,
  project: async ({ projectId }, _, { loaders }) => present(await loaders.project.load(projectId)),
};
