-- What Prisma's schema language cannot say: the checks, the promises and the notices of the database itself. They hold
-- whoever writes: the server, the CLI, Prisma Studio or psql.

-- 1. Rows that make sense -------------------------------------------------------------------------------------------

ALTER TABLE "member" ADD CONSTRAINT "member_of_one" CHECK (num_nonnulls("group_id", "project_id") = 1);
ALTER TABLE "member" ADD CONSTRAINT "member_level" CHECK ("access_level" IN (10, 20, 30, 40, 50));
ALTER TABLE "feature_gate" ADD CONSTRAINT "gate_for_one" CHECK (num_nonnulls("project_id", "group_id", "user_id") = 1);
ALTER TABLE "route" ADD CONSTRAINT "route_to_one" CHECK (num_nonnulls("group_id", "project_id") = 1);
ALTER TABLE "token" ADD CONSTRAINT "token_of_one" CHECK (
  ("kind" = 'PERSONAL' AND "user_id" IS NOT NULL AND "project_id" IS NULL AND "username" IS NULL) OR
  ("kind" = 'DEPLOY' AND "project_id" IS NOT NULL AND "user_id" IS NULL AND "username" IS NOT NULL));
ALTER TABLE "token" ADD CONSTRAINT "token_opens_something" CHECK (cardinality("scopes") > 0);
ALTER TABLE "module_version" ADD CONSTRAINT "zip_whole_or_not" CHECK (num_nonnulls("h1", "zip_key", "zip_size") IN (0, 3));

-- Byte order, whatever the collation of the database: it is what keyset pages and Go compare by.
ALTER TABLE "module" ALTER COLUMN "path" TYPE TEXT COLLATE "C";
ALTER TABLE "module_version" ALTER COLUMN "sort_key" TYPE TEXT COLLATE "C";

-- 2. Paths: users, groups and projects share one space, without regard to case ---------------------------------------

CREATE FUNCTION route_of_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "route" ("key", "group_id") VALUES (lower(NEW."full_path"), NEW."id");
  RETURN NULL;
END $$;
CREATE TRIGGER "group_route" AFTER INSERT ON "group" FOR EACH ROW EXECUTE FUNCTION route_of_group();

CREATE FUNCTION route_of_project() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "route" ("key", "project_id") VALUES (lower(NEW."full_path"), NEW."id");
  RETURN NULL;
END $$;
CREATE TRIGGER "project_route" AFTER INSERT ON "project" FOR EACH ROW EXECUTE FUNCTION route_of_project();

-- The path in a group or project row is derived: it is its parent's full path, a slash and its own path.
CREATE FUNCTION path_is_pinned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the path of a % is pinned: module paths are made of it', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER "group_path_pinned" BEFORE UPDATE ON "group" FOR EACH ROW
  WHEN ((OLD."full_path", OLD."path", OLD."parent_id", OLD."user_id", OLD."traversal_ids")
    IS DISTINCT FROM (NEW."full_path", NEW."path", NEW."parent_id", NEW."user_id", NEW."traversal_ids"))
  EXECUTE FUNCTION path_is_pinned();
CREATE TRIGGER "project_path_pinned" BEFORE UPDATE ON "project" FOR EACH ROW
  WHEN ((OLD."full_path", OLD."path", OLD."group_id") IS DISTINCT FROM (NEW."full_path", NEW."path", NEW."group_id"))
  EXECUTE FUNCTION path_is_pinned();

-- A route is what a path is looked up by: it comes and goes with its group or project, and nobody bends it in between.
CREATE FUNCTION route_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM "group" WHERE "id" = OLD."group_id")
      AND NOT EXISTS (SELECT FROM "project" WHERE "id" = OLD."project_id") THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'the route of a path is pinned: it goes with its group or project' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER "route_pinned" BEFORE UPDATE OR DELETE ON "route" FOR EACH ROW EXECUTE FUNCTION route_is_kept();
CREATE TRIGGER "route_not_truncated" BEFORE TRUNCATE ON "route" EXECUTE FUNCTION route_is_kept();

-- 3. Pinned: what was published or logged ----------------------------------------------------------------------------
-- A deliberate act of the domain (deleting a project) says so in its own transaction: SET LOCAL gokura.deliberate = 'on'.

CREATE FUNCTION is_pinned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND TG_ARGV[0] = 'deliberately' AND current_setting('gokura.deliberate', true) = 'on' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION '% is pinned: what was published or logged stays as it is', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER "module_pinned" BEFORE UPDATE ON "module" FOR EACH ROW
  WHEN ((OLD."path", OLD."project_id", OLD."origin") IS DISTINCT FROM (NEW."path", NEW."project_id", NEW."origin"))
  EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "module_kept" BEFORE DELETE ON "module" FOR EACH ROW EXECUTE FUNCTION is_pinned('deliberately');

CREATE TRIGGER "module_version_pinned" BEFORE UPDATE ON "module_version" FOR EACH ROW
  WHEN ((OLD."module_id", OLD."version", OLD."sort_key", OLD."kind", OLD."time", OLD."commit", OLD."ref", OLD."directory", OLD."go_mod", OLD."go_mod_h1", OLD."legacy", OLD."created_at")
      IS DISTINCT FROM (NEW."module_id", NEW."version", NEW."sort_key", NEW."kind", NEW."time", NEW."commit", NEW."ref", NEW."directory", NEW."go_mod", NEW."go_mod_h1", NEW."legacy", NEW."created_at")
    OR (OLD."h1" IS NOT NULL AND (OLD."h1", OLD."zip_key", OLD."zip_size") IS DISTINCT FROM (NEW."h1", NEW."zip_key", NEW."zip_size")))
  EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "module_version_kept" BEFORE DELETE ON "module_version" FOR EACH ROW EXECUTE FUNCTION is_pinned('deliberately');

CREATE TRIGGER "requirement_pinned" BEFORE UPDATE OR DELETE ON "requirement" FOR EACH ROW EXECUTE FUNCTION is_pinned('deliberately');
CREATE TRIGGER "tag_event_pinned" BEFORE UPDATE OR DELETE ON "tag_event" FOR EACH ROW EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "tombstone_kept" BEFORE DELETE ON "tombstone" FOR EACH ROW EXECUTE FUNCTION is_pinned();
-- One change is allowed: a version that had come back after the deletion of its project can be taken back for good.
CREATE TRIGGER "tombstone_pinned" BEFORE UPDATE ON "tombstone" FOR EACH ROW
  WHEN ((OLD."module_path", OLD."version", OLD."commit", OLD."go_mod_h1", OLD."h1", OLD."at")
      IS DISTINCT FROM (NEW."module_path", NEW."version", NEW."commit", NEW."go_mod_h1", NEW."h1", NEW."at")
    OR NOT OLD."returnable")
  EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "audit_event_pinned" BEFORE UPDATE OR DELETE ON "audit_event" FOR EACH ROW EXECUTE FUNCTION is_pinned();

CREATE TRIGGER "module_not_truncated" BEFORE TRUNCATE ON "module" EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "module_version_not_truncated" BEFORE TRUNCATE ON "module_version" EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "requirement_not_truncated" BEFORE TRUNCATE ON "requirement" EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "tag_event_not_truncated" BEFORE TRUNCATE ON "tag_event" EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "tombstone_not_truncated" BEFORE TRUNCATE ON "tombstone" EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "audit_event_not_truncated" BEFORE TRUNCATE ON "audit_event" EXECUTE FUNCTION is_pinned();

-- A name that was published once is never given to other content, by any hand.
CREATE FUNCTION tombstone_holds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  buried "tombstone"%ROWTYPE;
BEGIN
  SELECT t.* INTO buried FROM "tombstone" t JOIN "module" m ON m."path" = t."module_path"
    WHERE m."id" = NEW."module_id" AND t."version" = NEW."version";
  IF FOUND AND (NOT buried."returnable"
    OR (buried."commit", buried."go_mod_h1") IS DISTINCT FROM (NEW."commit", NEW."go_mod_h1")) THEN
    RAISE EXCEPTION '% % was published before from commit %: its name is never given to other content',
      buried."module_path", buried."version", buried."commit" USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "module_version_tombstone" BEFORE INSERT ON "module_version" FOR EACH ROW EXECUTE FUNCTION tombstone_holds();

-- 4. Notices ---------------------------------------------------------------------------------------------------------
-- gokura_access: who may do what has changed; every server forgets what it remembered.
-- gokura_content (payload: project id): what a project publishes has changed; with " deleted" behind the id: something
-- that was published for ever was taken away all the same.

CREATE FUNCTION notify_access() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('gokura_access', '');
  RETURN NULL;
END $$;
CREATE TRIGGER "user_notify" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "user" EXECUTE FUNCTION notify_access();
CREATE TRIGGER "token_notify" AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF "kind", "user_id", "project_id", "username", "scopes", "digest", "expires_at", "revoked_at" ON "token" EXECUTE FUNCTION notify_access();
CREATE TRIGGER "group_notify" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "group" EXECUTE FUNCTION notify_access();
CREATE TRIGGER "project_notify" AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF "name", "visibility", "description", "packages_enabled", "tag_scheme", "module_prefix" ON "project" EXECUTE FUNCTION notify_access();
CREATE TRIGGER "member_notify" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "member" EXECUTE FUNCTION notify_access();
CREATE TRIGGER "feature_flag_notify" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "feature_flag" EXECUTE FUNCTION notify_access();
CREATE TRIGGER "feature_gate_notify" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "feature_gate" EXECUTE FUNCTION notify_access();

CREATE FUNCTION notify_content() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('gokura_content', COALESCE(NEW."project_id", OLD."project_id")::text);
  RETURN NULL;
END $$;
CREATE TRIGGER "ref_notify" AFTER INSERT OR DELETE OR UPDATE OF "oid", "peeled" ON "ref" FOR EACH ROW EXECUTE FUNCTION notify_content();
CREATE TRIGGER "rejected_tag_notify" AFTER INSERT OR UPDATE OR DELETE ON "rejected_tag" FOR EACH ROW EXECUTE FUNCTION notify_content();
CREATE TRIGGER "module_notify" AFTER INSERT OR UPDATE OR DELETE ON "module" FOR EACH ROW EXECUTE FUNCTION notify_content();

CREATE FUNCTION notify_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('gokura_content', "project_id"::text || CASE TG_OP WHEN 'DELETE' THEN ' deleted' ELSE '' END)
    FROM "module" WHERE "id" = COALESCE(NEW."module_id", OLD."module_id");
  RETURN NULL;
END $$;
CREATE TRIGGER "module_version_notify" AFTER INSERT OR DELETE OR UPDATE OF "retracted" ON "module_version" FOR EACH ROW EXECUTE FUNCTION notify_version();
