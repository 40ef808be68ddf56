// Members of projects and of groups (doc/api/members.md): the same calls for both.
import * as z from "zod";
import { notFound } from "../../errors.ts";
import { hidden } from "../../registry/access/access.ts";
import { addMember, type MemberPlace, removeMember, searchMembers } from "../../registry/forge/members.ts";
import { findUser, findUserById } from "../../registry/forge/users.ts";
import type { MemberRow, UserRow } from "../../registry/rows.ts";
import { type Call, type CallRequest, call, listCall } from "./call.ts";
import { boolean, clearableDate, date, grantedLevel, idOrPath, integer, list, numberOf, text } from "./parameter.ts";
import { projectOrGroup } from "./project-or-group.ts";
import { basicsOfUser, userBasics } from "./user-answer.ts";

const tag = "Members";

const Member = z
  .object({
    ...userBasics,
    access_level: z.int(),
    expires_at: z.iso.date().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "Member" });

function memberAnswer(member: MemberRow, base: string): z.input<typeof Member> {
  return {
    ...basicsOfUser(member.user, base),
    access_level: member.accessLevel,
    expires_at: member.expiresAt?.toISOString().slice(0, 10) ?? null,
    created_at: member.createdAt.toISOString(),
  };
}

type OfSomething = CallRequest<{ readonly id: number | string }>;

async function placeOf(kind: "project" | "group", asked: OfSomething): Promise<MemberPlace> {
  const of = await projectOrGroup(kind, asked);
  return "project" in of ? { projectPath: of.project.fullPath } : { groupPath: of.group.fullPath };
}

async function demandKnown({ registry, principal }: CallRequest<unknown>, wanted: number | string): Promise<UserRow> {
  const found = typeof wanted === "number" ? await findUserById(registry, wanted) : await findUser(registry, wanted);
  if (!found) throw hidden(principal, "User");
  return found;
}

function callsOf(kind: "project" | "group"): Call[] {
  const id = idOrPath(kind);
  const root = `/${kind}s/:id/members` as const;
  const filters = {
    query: text().optional().describe("Part of the name or user name"),
    user_ids: list(integer()).optional(),
  };
  const listing = (inherited: boolean) =>
    listCall({
      path: inherited ? `${root}/all` : root,
      tag,
      summary: inherited ? `Members of a ${kind} and of the groups above` : `Direct members of a ${kind}`,
      scope: "api read",
      parameters: { id, ...filters },
      row: Member,
      failures: [404],
      read: async (asked, numbered) => {
        const { query, user_ids: userIds } = asked.parameters;
        const search = { of: await projectOrGroup(kind, asked), inherited, query, userIds };
        const found = await searchMembers(asked.registry, asked.principal, search, numbered);
        return { ...found, rows: found.rows.map((member) => memberAnswer(member, asked.base)) };
      },
    });
  const showing = (inherited: boolean) =>
    call({
      method: "GET",
      path: inherited ? `${root}/all/:user_id` : `${root}/:user_id`,
      tag,
      summary: inherited ? `A member of a ${kind} or of a group above` : `A direct member of a ${kind}`,
      scope: "api read",
      parameters: { id, user_id: numberOf("user") },
      status: 200,
      answer: Member,
      failures: [404],
      handle: async (asked) => {
        const search = { of: await projectOrGroup(kind, asked), inherited, userIds: [asked.parameters.user_id] };
        const one = { offset: 0, limit: 1, counted: false };
        const { rows } = await searchMembers(asked.registry, asked.principal, search, one);
        if (!rows[0]) throw notFound("Not Found");
        return memberAnswer(rows[0], asked.base);
      },
    });
  return [
    listing(false),
    listing(true),
    showing(false),
    showing(true),

    call({
      method: "POST",
      path: root,
      tag,
      summary: `Add a member to a ${kind}; ${kind === "project" ? "Maintainers" : "Owners"}`,
      scope: "api write",
      parameters: {
        id,
        user_id: integer().optional(),
        username: text().optional(),
        access_level: grantedLevel(),
        expires_at: date().optional().describe("The membership counts no more from this day on"),
      },
      oneOf: ["user_id", "username"],
      status: 201,
      answer: Member,
      failures: [404, 409],
      handle: async (asked) => {
        const { registry, principal, parameters } = asked;
        const place = await placeOf(kind, asked);
        const { username } = await demandKnown(asked, parameters.user_id ?? parameters.username!);
        const grant = { username, accessLevel: parameters.access_level, expiresAt: parameters.expires_at };
        return memberAnswer(await addMember(registry, principal, place, grant, "new"), asked.base);
      },
    }),

    call({
      method: "PUT",
      path: `${root}/:user_id`,
      tag,
      summary: `Change the level or the end of a membership of a ${kind}`,
      scope: "api write",
      parameters: {
        id,
        user_id: numberOf("user"),
        access_level: grantedLevel(),
        expires_at: clearableDate().optional().describe("Nothing, if given: it does not end"),
      },
      clearable: ["expires_at"],
      status: 200,
      answer: Member,
      failures: [404],
      handle: async (asked) => {
        const { registry, principal, parameters } = asked;
        const place = await placeOf(kind, asked);
        const { username } = await demandKnown(asked, parameters.user_id);
        const grant = { username, accessLevel: parameters.access_level, expiresAt: parameters.expires_at };
        return memberAnswer(await addMember(registry, principal, place, grant, "present"), asked.base);
      },
    }),

    call({
      method: "DELETE",
      path: `${root}/:user_id`,
      tag,
      summary: `Take a member out of a ${kind}, or leave it`,
      ...(kind === "group" ? { description: "The last Owner stays." } : {}),
      scope: "api write",
      parameters: {
        id,
        user_id: numberOf("user"),
        skip_subresources: boolean().optional().describe("Ignored"),
        unassign_issuables: boolean().optional().describe("Ignored"),
      },
      status: 204,
      failures: [404],
      handle: async (asked) => {
        const place = await placeOf(kind, asked);
        const { username } = await demandKnown(asked, asked.parameters.user_id);
        await removeMember(asked.registry, asked.principal, place, username);
      },
    }),
  ];
}

export const memberCalls = [...callsOf("project"), ...callsOf("group")];
