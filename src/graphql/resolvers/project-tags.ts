import type { RejectedTagResolvers } from "../generated.ts";

export const RejectedTag: RejectedTagResolvers = {
  name: ({ tag }) => tag,
};
