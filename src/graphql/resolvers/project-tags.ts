import type { RejectedTagResolvers } from "../generated.ts";
import { stillThere } from "./still-there.ts";

export const RejectedTag: RejectedTagResolvers = {
  name: ({ tag }) => tag,
  project: async ({ projectId }, _, { loaders }) => stillThere(await loaders.project.load(projectId)),
};
