-- CreateEnum
CREATE TYPE "PolicyKind" AS ENUM ('UPSTREAM', 'HOSTED', 'TOOLCHAIN');

-- CreateEnum
CREATE TYPE "PolicyAction" AS ENUM ('ALLOW', 'DENY', 'HOLD', 'WARN');

-- CreateTable
CREATE TABLE "policy" (
    "id" SERIAL NOT NULL,
    "group_id" INTEGER,
    "pattern" TEXT NOT NULL,
    "versions" TEXT,
    "kind" "PolicyKind" NOT NULL DEFAULT 'UPSTREAM',
    "action" "PolicyAction" NOT NULL,
    "dry_run" BOOLEAN NOT NULL DEFAULT false,
    "reason" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "policy_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "policy_group_id_id_idx" ON "policy"("group_id", "id");

-- AddForeignKey
ALTER TABLE "policy" ADD CONSTRAINT "policy_group_id_fkey" FOREIGN KEY ("group_id") REFERENCES "group"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand: what an administrator may write in Prisma Studio too, and the notice of it.
ALTER TABLE "policy" ADD CONSTRAINT "policy_pattern_check" CHECK ("pattern" <> '');
ALTER TABLE "policy" ADD CONSTRAINT "policy_dry_run_check" CHECK (NOT ("dry_run" AND "action" IN ('ALLOW', 'WARN')));

-- gokura_policies: what may be had has changed; every server forgets its rules and the answers that they let through.
CREATE FUNCTION notify_policies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('gokura_policies', '');
  RETURN NULL;
END $$;
-- For each row, so that a group that goes without any has nobody forget anything; a transaction tells it once.
CREATE TRIGGER "policy_notify" AFTER INSERT OR UPDATE OR DELETE ON "policy" FOR EACH ROW EXECUTE FUNCTION notify_policies();
CREATE TRIGGER "policy_notify_truncate" AFTER TRUNCATE ON "policy" EXECUTE FUNCTION notify_policies();
