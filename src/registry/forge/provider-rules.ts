// What follows from what the provider of OpenID Connect says of somebody (GOKURA_OIDC_…): the user name, and which of its groups
// makes somebody a member of which group here, and with what access level.
import { ACCESS_LEVELS, type LevelName } from "../access/acts.ts";

/** Whoever is in a group of the provider is a member of one here. */
export interface GroupGrant {
  /** As the claim says it: a name, a path or a number, as the provider has it. */
  readonly name: string;
  readonly groupPath: string;
  readonly accessLevel: number;
}

/** What follows from claims. */
export interface ProviderRules {
  /** The claim that user names are made of. */
  readonly usernameClaim: string;
  /** The claim that holds names of groups. */
  readonly groupsClaim: string;
  readonly grants: readonly GroupGrant[];
  /** Whoever is in one of these is an administrator, and nobody else who signs in so; undefined: the provider has no say. */
  readonly administrators: readonly string[] | undefined;
  /** Whether the first sign-in makes a user. */
  readonly createUsers: boolean;
}

/** NAME=GROUP:LEVEL with commas between them, such as `devs=acme:developer,/ops=acme/infra:owner`. Throws what is expected. */
export function parseGroupGrants(text: string): readonly GroupGrant[] {
  return text
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "")
    .map((one) => {
      const [, name, groupPath, level] = /^(.+)=([^=:\s]+):(\w+)$/.exec(one) ?? [];
      const accessLevel = ACCESS_LEVELS[level as LevelName];
      if (name === undefined || groupPath === undefined || accessLevel === undefined)
        throw new Error(
          `"${one}" is not NAME=GROUP:LEVEL, such as devs=acme:developer; levels are ${Object.keys(ACCESS_LEVELS).join(", ")}`,
        );
      return { name, groupPath, accessLevel };
    });
}
