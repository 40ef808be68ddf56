// Who did what: one row for every act that changes what others see or may do, written in the transaction of the act, so
// that there is no act without its row. Rows are pinned by a trigger.
import type { Transaction } from "../database/client.ts";
import type { Prisma } from "../database/generated/client.ts";
import type { Sql } from "../database/sql.ts";
import { nameOfPrincipal, type Principal } from "./principal.ts";

/** audit, in a transaction of plain SQL. */
export async function auditInSql(
  tx: Sql,
  principal: Principal,
  action: string,
  subject: string,
  detail: Prisma.InputJsonObject,
): Promise<void> {
  await tx.$executeRaw`INSERT INTO audit_event (actor, action, subject, detail)
    VALUES (${nameOfPrincipal(principal)}, ${action}, ${subject}, ${JSON.stringify(detail)}::jsonb)`;
}

/** Writes down an act, such as `project.create` of `group/name`. Never put a secret into the detail. */
export async function audit(
  tx: Transaction,
  principal: Principal | "gokura",
  action: string,
  subject: string,
  detail: Prisma.InputJsonObject = {},
): Promise<void> {
  const actor = principal === "gokura" ? "gokura" : nameOfPrincipal(principal);
  await tx.auditEvent.create({ data: { actor, action, subject, detail } });
}
