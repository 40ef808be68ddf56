-- CreateEnum
CREATE TYPE "PackageAccess" AS ENUM ('PRIVATE', 'ENABLED', 'PUBLIC');

-- AlterTable
ALTER TABLE "project" ADD COLUMN     "archived" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "default_branch" TEXT,
ADD COLUMN     "package_access" "PackageAccess" NOT NULL DEFAULT 'ENABLED',
ADD COLUMN     "topics" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- CreateIndex
CREATE INDEX "group_name_id_idx" ON "group"("name", "id");

-- CreateIndex
CREATE INDEX "group_path_id_idx" ON "group"("path", "id");

-- CreateIndex
CREATE INDEX "project_created_at_id_idx" ON "project"("created_at", "id");

-- CreateIndex
CREATE INDEX "project_updated_at_id_idx" ON "project"("updated_at", "id");

-- CreateIndex
CREATE INDEX "project_last_activity_at_id_idx" ON "project"("last_activity_at", "id");

-- CreateIndex
CREATE INDEX "project_name_id_idx" ON "project"("name", "id");

-- CreateIndex
CREATE INDEX "project_path_id_idx" ON "project"("path", "id");

-- CreateIndex
CREATE INDEX "project_topics_idx" ON "project" USING GIN ("topics");

-- Servers remember projects: what is new in them is told too.
DROP TRIGGER "project_notify" ON "project";
CREATE TRIGGER "project_notify" AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF "name", "visibility", "description", "packages_enabled", "package_access", "tag_scheme", "module_prefix", "archived", "topics", "default_branch" ON "project" EXECUTE FUNCTION notify_access();
