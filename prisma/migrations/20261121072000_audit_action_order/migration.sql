-- DropIndex
DROP INDEX "audit_event_action_id_idx";

-- By hand: byte order, whatever the collation of the database, so that the index also finds the beginning of a name.
ALTER TABLE "audit_event" ALTER COLUMN "action" TYPE TEXT COLLATE "C";

-- CreateIndex
CREATE INDEX "audit_event_action_id_idx" ON "audit_event"("action", "id");
