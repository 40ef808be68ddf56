// Reading what audit.ts wrote: who did what, newest first, for administrators. The trail only grows, so a page is a range
// of an index, whatever it is filtered by.

import type { AuditEvent, Prisma } from "../../database/generated/client.ts";
import { invalid } from "../../errors.ts";
import { demandAdministrator } from "../access/access.ts";
import { type KeysetPage, keysetPage, type PageRequest } from "../lists/keyset-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { isKeepable } from "../text.ts";

export type AuditEventRow = AuditEvent;

/** Which events; all if nothing is given. */
export interface AuditFilter {
  /** A user name, `deploy token NAME`, `job SUBJECT of ISSUER`, `cli` or `gokura`; exact. */
  readonly actor?: string | null | undefined;
  /** Verb and noun such as `project.create`, or a noun with its dot, such as `project.`. */
  readonly action?: string | null | undefined;
  /** What was acted on, such as a full path or a user name; exact. */
  readonly subject?: string | null | undefined;
  /** Not before this moment… */
  readonly from?: Date | null | undefined;
  /** …and before this one. */
  readonly to?: Date | null | undefined;
}

/** The events, newest first. Administrators. */
export async function listAuditEvents(
  registry: Registry,
  principal: Principal,
  filter: AuditFilter,
  request: PageRequest,
): Promise<KeysetPage<AuditEventRow>> {
  demandAdministrator(principal);
  const { actor, action, subject, from, to } = filter;
  if ([actor, action, subject].some((text) => text != null && !isKeepable(text)))
    throw invalid("a filter must be Unicode, without NUL");
  const where: Prisma.AuditEventWhereInput = {
    ...(actor == null ? {} : { actor }),
    ...(subject == null ? {} : { subject }),
    ...(action == null ? {} : { action: action.endsWith(".") ? { startsWith: action } : action }),
    ...(from == null && to == null ? {} : { at: { ...(from && { gte: from }), ...(to && { lt: to }) } }),
  };
  return keysetPage<AuditEventRow, number>(request, {
    keyType: "number",
    order: "desc",
    key: (event) => event.id,
    read: (id, order, take) =>
      registry.prisma.auditEvent.findMany({ where: { AND: [where, { id }] }, orderBy: { id: order }, take }),
  });
}
