// Pull mirrors (doc/api/project_pull_mirroring.md): how the mirror of a project is doing, changing it, having it look. A
// project is made one at its creation too, by import_url and mirror (project-calls.ts). Secrets are told nowhere.
import * as z from "zod";
import { invalid, isFailure, notFound } from "../../errors.ts";
import { addMirror } from "../../mirrors/add-mirror.ts";
import { fingerprintOf } from "../../registry/forge/deploy-key.ts";
import { wantLook } from "../../registry/forge/mirror-looks.ts";
import { demandMirror, updateMirror } from "../../registry/forge/mirrors.ts";
import { demandProject } from "../../registry/forge/projects.ts";
import type { MirrorRow } from "../../registry/rows.ts";
import { type CallRequest, call } from "./call.ts";
import { boolean, idOrPath, text } from "./parameter.ts";

const tag = "Pull mirrors";
const id = idOrPath("project");

const PullMirror = z
  .object({
    id: z.int(),
    url: z.string(),
    enabled: z.boolean(),
    update_status: z.enum(["none", "scheduled", "started", "finished", "failed"]),
    auth_method: z.enum(["password", "ssh_public_key", "github_app"]).nullable(),
    auth_user: z.string().nullable(),
    public_key: z.string().nullable(),
    host_keys: z.array(z.object({ fingerprint_sha256: z.string() })),
    last_error: z.string().nullable(),
    last_update_at: z.iso.datetime().nullable(),
    last_update_started_at: z.iso.datetime().nullable(),
    last_successful_update_at: z.iso.datetime().nullable(),
    mirror_trigger_builds: z.literal(false),
    only_mirror_protected_branches: z.literal(false),
    mirror_overwrites_diverged_branches: z.literal(true),
    mirror_branch_regex: z.null(),
  })
  .meta({ id: "PullMirror" });

/** Reads the credential of a call: both, or a token alone. */
function credentialOf(user: string | undefined, password: string | undefined) {
  if (password === undefined) {
    if (user !== undefined) throw invalid("goes with auth_password", "auth_user");
    return undefined;
  }
  return { username: user ?? "git", password };
}

export const mirrorCalls = [
  call({
    method: "GET",
    path: "/projects/:id/mirror/pull",
    tag,
    summary: "How the mirror of a project is doing; Maintainers",
    scope: "api read",
    parameters: { id },
    status: 200,
    answer: PullMirror,
    failures: [404],
    handle: async ({ registry, principal, parameters }) =>
      pullMirrorOf(await demandMirror(registry, principal, parameters.id)),
  }),

  call({
    method: "PUT",
    path: "/projects/:id/mirror/pull",
    tag,
    summary: "Make a project a mirror, or change the one that it is; Maintainers",
    description: "It looks at once. An address on another host has no credentials unless they are given with it.",
    scope: "api write",
    parameters: {
      id,
      url: text()
        .optional()
        .describe("https, in which credentials are taken out and kept sealed; or ssh, for which a key is made"),
      auth_user: text().optional().describe("git, if there is a password alone"),
      auth_password: text().optional(),
      enabled: boolean().optional().describe("false: an ordinary project, which keeps what it has"),
      mirror_trigger_builds: boolean().optional().describe("Ignored"),
      only_mirror_protected_branches: boolean().optional().describe("Ignored: all branches are followed"),
      mirror_overwrites_diverged_branches: boolean().optional().describe("Ignored: they are what the remote has"),
    },
    status: 200,
    answer: PullMirror,
    failures: [404, 409],
    handle: async ({ parts, registry, principal, parameters }) => {
      const credential = credentialOf(parameters.auth_user, parameters.auth_password);
      const { url, enabled } = parameters;
      const project = await demandProject(registry, principal, parameters.id);
      try {
        const changed = await updateMirror(registry, principal, project.id, { url, credential, enabled });
        return pullMirrorOf(changed);
      } catch (error) {
        if (!isFailure(error, "not-found") || url === undefined || enabled === false) throw error;
      }
      const { mirror } = await addMirror(registry, parts.remotes, principal, project.id, { url, credential });
      return pullMirrorOf(mirror);
    },
  }),

  call({
    method: "POST",
    path: "/projects/:id/mirror/pull",
    tag,
    summary: "Have the mirror of a project look now; Maintainers",
    scope: "api write",
    parameters: { id },
    status: 200,
    answer: PullMirror,
    failures: [404],
    handle: async ({ registry, principal, parameters }) => {
      const mirror = await demandMirror(registry, principal, parameters.id, "mirror.sync");
      if (!(await wantLook(registry, mirror.projectId, 0))) throw notFound("the mirror of this project is off");
      return pullMirrorOf(await demandMirror(registry, principal, parameters.id));
    },
  }),
];

/** Makes a new project a mirror, for import_url at its creation. */
export async function mirrorNewProject(asked: CallRequest<unknown>, projectId: number, url: string): Promise<void> {
  await addMirror(asked.registry, asked.parts.remotes, asked.principal, projectId, { url });
}

function pullMirrorOf(mirror: MirrorRow): z.input<typeof PullMirror> {
  return {
    id: mirror.id,
    url: mirror.url,
    enabled: mirror.enabled,
    ...authenticationOf(mirror),
    update_status: statusOf(mirror),
    last_error: mirror.lastError,
    last_update_at: mirror.lookedAt?.toISOString() ?? null,
    last_update_started_at: (mirror.lookStartedAt ?? mirror.lookedAt)?.toISOString() ?? null,
    last_successful_update_at: mirror.succeededAt?.toISOString() ?? null,
    mirror_trigger_builds: false,
    only_mirror_protected_branches: false,
    mirror_overwrites_diverged_branches: true,
    mirror_branch_regex: null,
  };
}

/** As GitLab shows that of push mirrors; apps are ours. */
function authenticationOf({ credential }: MirrorRow) {
  const methods = { PASSWORD: "password", DEPLOY_KEY: "ssh_public_key", GITHUB_APP: "github_app" } as const;
  return {
    auth_method: credential ? methods[credential.kind] : null,
    auth_user: credential?.username ?? null,
    public_key: credential?.publicKey ?? null,
    host_keys: credential?.hostKey ? [{ fingerprint_sha256: fingerprintOf(credential.hostKey) }] : [],
  };
}

function statusOf({ enabled, lookStartedAt, nextLookAt, lookedAt, lastError }: MirrorRow) {
  if (!enabled) return "none";
  if (lookStartedAt !== null) return "started";
  if (lookedAt === null || nextLookAt.getTime() <= Date.now()) return "scheduled";
  return lastError === null ? "finished" : "failed";
}
