-- AlterTable
ALTER TABLE "token" ADD COLUMN     "group_id" INTEGER;

-- CreateIndex
CREATE INDEX "token_group_id_idx" ON "token"("group_id");

-- AddForeignKey
ALTER TABLE "token" ADD CONSTRAINT "token_group_id_fkey" FOREIGN KEY ("group_id") REFERENCES "group"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- A personal token is of a user; a deploy token of a project or of a group, never of both.
ALTER TABLE "token" DROP CONSTRAINT "token_of_one";
ALTER TABLE "token" ADD CONSTRAINT "token_of_one" CHECK (
  ("kind" = 'PERSONAL' AND "user_id" IS NOT NULL AND num_nonnulls("project_id", "group_id", "username") = 0) OR
  ("kind" = 'DEPLOY' AND "user_id" IS NULL AND "username" IS NOT NULL AND num_nonnulls("project_id", "group_id") = 1));

-- Which group a token is of is told to the servers like all else about it that decides what it opens.
DROP TRIGGER "token_notify" ON "token";
CREATE TRIGGER "token_notify" AFTER INSERT OR DELETE OR TRUNCATE
  OR UPDATE OF "kind", "user_id", "project_id", "group_id", "username", "scopes", "digest", "expires_at", "revoked_at"
  ON "token" EXECUTE FUNCTION notify_access();
