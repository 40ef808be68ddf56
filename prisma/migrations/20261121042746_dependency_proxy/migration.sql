-- AlterEnum
ALTER TYPE "ModuleOrigin" ADD VALUE 'UPSTREAM';

-- DropIndex
DROP INDEX "module_path_key";

-- AlterTable
ALTER TABLE "index_entry" ADD COLUMN     "upstream" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "module" ALTER COLUMN "project_id" DROP NOT NULL;

-- AlterTable
ALTER TABLE "module_version" ADD COLUMN     "info" BYTEA,
ALTER COLUMN "time" DROP NOT NULL,
ALTER COLUMN "commit" DROP NOT NULL,
ALTER COLUMN "go_mod" DROP NOT NULL,
ALTER COLUMN "go_mod_h1" DROP NOT NULL;

-- CreateTable
CREATE TABLE "upstream_answer" (
    "module_path" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "body" BYTEA NOT NULL,
    "fetched_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "upstream_answer_pkey" PRIMARY KEY ("module_path","kind")
);

-- CreateIndex
CREATE UNIQUE INDEX "module_path_origin_key" ON "module"("path", "origin");

-- By hand from here on: what Prisma's language cannot say.

-- Hosted: of a project; from upstream: of none. (Not by the new value, which a transaction may not use that adds it.)
ALTER TABLE "module" ADD CONSTRAINT "hosted_by_project" CHECK (("origin" = 'HOSTED') = ("project_id" IS NOT NULL));
ALTER TABLE "module_version" ADD CONSTRAINT "go_mod_with_sum" CHECK (("go_mod" IS NULL) = ("go_mod_h1" IS NULL));
ALTER TABLE "module_version" ADD CONSTRAINT "zip_with_go_mod" CHECK ("h1" IS NULL OR "go_mod" IS NOT NULL);
ALTER TABLE "module_version" ADD CONSTRAINT "says_something" CHECK ("info" IS NOT NULL OR "go_mod" IS NOT NULL);
ALTER TABLE "upstream_answer" ADD CONSTRAINT "known_kind" CHECK ("kind" IN ('list', 'latest'));

-- A hosted version is whole from the beginning; only one from upstream comes in parts.
CREATE FUNCTION version_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (num_nulls(NEW."time", NEW."commit", NEW."go_mod") > 0 OR NEW."info" IS NOT NULL)
    AND EXISTS (SELECT FROM "module" WHERE "id" = NEW."module_id" AND "project_id" IS NOT NULL) THEN
    RAISE EXCEPTION 'a hosted version has a time, a commit and a go.mod, and no info' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "module_version_whole" BEFORE INSERT ON "module_version" FOR EACH ROW EXECUTE FUNCTION version_is_whole();

-- Pinned, as before; what a version from upstream does not have yet may be added once.
DROP TRIGGER "module_version_pinned" ON "module_version";
CREATE TRIGGER "module_version_pinned" BEFORE UPDATE ON "module_version" FOR EACH ROW
  WHEN ((OLD."module_id", OLD."version", OLD."sort_key", OLD."kind", OLD."commit", OLD."ref", OLD."directory", OLD."legacy", OLD."created_at")
      IS DISTINCT FROM (NEW."module_id", NEW."version", NEW."sort_key", NEW."kind", NEW."commit", NEW."ref", NEW."directory", NEW."legacy", NEW."created_at")
    OR (OLD."go_mod" IS NOT NULL AND (OLD."go_mod", OLD."go_mod_h1") IS DISTINCT FROM (NEW."go_mod", NEW."go_mod_h1"))
    OR (OLD."info" IS NOT NULL AND OLD."info" IS DISTINCT FROM NEW."info")
    OR ((OLD."time" IS NOT NULL OR OLD."info" IS NOT NULL) AND OLD."time" IS DISTINCT FROM NEW."time")
    OR (OLD."commit" IS NOT NULL AND NEW."info" IS NOT NULL)
    OR (OLD."h1" IS NOT NULL AND (OLD."h1", OLD."zip_key", OLD."zip_size") IS DISTINCT FROM (NEW."h1", NEW."zip_key", NEW."zip_size")))
  EXECUTE FUNCTION is_pinned();

DROP TRIGGER "index_entry_pinned" ON "index_entry";
CREATE TRIGGER "index_entry_pinned" BEFORE UPDATE ON "index_entry" FOR EACH ROW
  WHEN ((OLD."timestamp", OLD."path", OLD."version", OLD."upstream") IS DISTINCT FROM (NEW."timestamp", NEW."path", NEW."version", NEW."upstream")
    OR (OLD."project_id" IS DISTINCT FROM NEW."project_id" AND NEW."project_id" IS NOT NULL)
    OR (OLD."gone_at" IS NOT NULL AND OLD."gone_at" IS DISTINCT FROM NEW."gone_at"))
  EXECUTE FUNCTION is_pinned();

-- A notice without a project would say nothing: gokura_content is now told "upstream PATH" when a list or @latest changes.
CREATE OR REPLACE FUNCTION notify_content() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF COALESCE(NEW."project_id", OLD."project_id") IS NOT NULL THEN
    PERFORM pg_notify('gokura_content', COALESCE(NEW."project_id", OLD."project_id")::text);
  END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION notify_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('gokura_content', "project_id"::text || CASE TG_OP WHEN 'DELETE' THEN ' deleted' ELSE '' END)
    FROM "module" WHERE "id" = COALESCE(NEW."module_id", OLD."module_id") AND "project_id" IS NOT NULL;
  RETURN NULL;
END $$;
CREATE FUNCTION notify_upstream() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('gokura_content', 'upstream ' || NEW."module_path");
  RETURN NULL;
END $$;
CREATE TRIGGER "upstream_answer_changed" AFTER UPDATE ON "upstream_answer" FOR EACH ROW
  WHEN (OLD."body" IS DISTINCT FROM NEW."body") EXECUTE FUNCTION notify_upstream();
