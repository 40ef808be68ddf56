-- AlterTable
ALTER TABLE "project" ADD COLUMN     "list_refused" BOOLEAN NOT NULL DEFAULT false;

-- Every server remembers projects, and lists.
DROP TRIGGER "project_notify" ON "project";
CREATE TRIGGER "project_notify" AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF "name", "visibility", "description", "packages_enabled", "package_access", "tag_scheme", "list_refused", "module_prefix", "archived", "topics", "default_branch" ON "project" EXECUTE FUNCTION notify_access();
CREATE FUNCTION notify_project_content() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('gokura_content', NEW."id"::text);
  RETURN NULL;
END $$;
CREATE TRIGGER "project_list_notify" AFTER UPDATE OF "list_refused" ON "project" FOR EACH ROW
  WHEN (OLD."list_refused" IS DISTINCT FROM NEW."list_refused") EXECUTE FUNCTION notify_project_content();
