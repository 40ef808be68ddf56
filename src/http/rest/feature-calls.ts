// Feature flags (doc/api/features.md). Administrators only. A flag is "on" when it is on for everybody, "conditional" when
// it is on for some, else "off". Of GitLab's gates there are two, `boolean` and `actors`: percentages of time and of actors
// are refused, because a registry that answers the same request in two ways is of no use to the go command.
import * as z from "zod";
import { invalid } from "../../errors.ts";
import { demandAdministrator } from "../../registry/access/access.ts";
import { deleteFlag, listFlags, setFlag } from "../../registry/forge/feature-flags.ts";
import type { FlagRow } from "../../registry/rows.ts";
import { call } from "./call.ts";
import { boolean, list, text } from "./parameter.ts";

const Feature = z
  .object({
    name: z.string(),
    state: z.enum(["on", "off", "conditional"]),
    gates: z.array(
      z.object({ key: z.enum(["boolean", "actors"]), value: z.union([z.boolean(), z.array(z.string())]) }),
    ),
    definition: z.null(),
  })
  .meta({ id: "Feature" });

const ON = [true, "true", "True", 100, "100"];
const OFF = [false, "false", "False", 0, "0"];

/** What switches a flag; a number between 0 and 100 is GitLab's, but not ours. */
const switchOf = () =>
  z
    .union([z.boolean(), z.string(), z.int()])
    .refine((value) => [...ON, ...OFF].includes(value))
    .transform((value) => ON.includes(value))
    .describe("true or 100: on; false or 0: off. Other percentages are refused");

const name = text().describe("Lower-case letters, digits and _");
const targets = (what: string) => list(text()).default([]).describe(`On or off for these alone: ${what}, with commas`);

export const featureCalls = [
  call({
    method: "GET",
    path: "/features",
    tag: "Features",
    summary: "All feature flags that were ever set",
    description: "Administrators. There are no pages.",
    scope: "api read",
    parameters: {},
    status: 200,
    answer: z.array(Feature),
    failures: [],
    handle: async ({ registry, principal }) => (await listFlags(registry, principal)).map(featureOf),
  }),
  call({
    method: "GET",
    path: "/features/definitions",
    tag: "Features",
    summary: "Descriptions of feature flags, of which there are none",
    description: "Administrators.",
    scope: "api read",
    parameters: {},
    status: 200,
    answer: z.array(z.never()),
    failures: [],
    handle: async ({ principal }) => {
      demandAdministrator(principal);
      return [];
    },
  }),
  call({
    method: "POST",
    path: "/features/:name",
    tag: "Features",
    summary: "Switch a feature flag for everybody or for some",
    description:
      "Administrators. Without a target: on for everybody, or off with every gate gone. With targets: they are added or taken away.",
    scope: "api write",
    parameters: {
      name,
      value: switchOf(),
      project: targets("full paths of projects"),
      group: targets("full paths of groups"),
      namespace: targets("full paths of groups"),
      user: targets("names of users"),
      feature_group: text().optional().describe("Refused: there are no feature groups"),
      repository: text().optional().describe("Refused: name the project"),
      key: text().optional().describe("Refused: it is for percentages"),
      force: boolean().optional().describe("Ignored"),
    },
    status: 201,
    answer: Feature,
    failures: [],
    handle: async ({ registry, principal, parameters: given }) => {
      demandAdministrator(principal);
      for (const unknown of ["feature_group", "repository", "key"] as const)
        if (given[unknown] !== undefined)
          throw invalid(`${unknown} is not supported: switch flags by project, group, namespace or user`);
      const { project: projects, group, namespace, user: users } = given;
      const groups = [...group, ...namespace];
      return featureOf(await setFlag(registry, principal, given.name, given.value, { projects, groups, users }));
    },
  }),
  call({
    method: "DELETE",
    path: "/features/:name",
    tag: "Features",
    summary: "Forget what was set of a feature flag",
    description: "Administrators. Also where nothing was.",
    scope: "api write",
    parameters: { name },
    status: 204,
    failures: [],
    handle: ({ registry, principal, parameters }) => deleteFlag(registry, principal, parameters.name),
  }),
];

function featureOf(flag: FlagRow): z.input<typeof Feature> {
  const actors = flag.gates.map((gate) => {
    if (gate.projectId !== null) return `Project:${gate.projectId}`;
    return gate.groupId !== null ? `Group:${gate.groupId}` : `User:${gate.userId}`;
  });
  const conditional = actors.length > 0 ? "conditional" : "off";
  return {
    name: flag.name,
    state: flag.enabled ? "on" : conditional,
    gates: [
      { key: "boolean", value: flag.enabled },
      ...(actors.length > 0 ? [{ key: "actors" as const, value: actors }] : []),
    ],
    definition: null,
  };
}
