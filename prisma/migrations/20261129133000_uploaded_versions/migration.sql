-- A hosted version may have been uploaded instead of made from a commit. Then it has no commit, and its zip from the
-- beginning, which is all that it was ever made of.

-- Of an uploaded version that was taken away no commit is known, but its sums are.
ALTER TABLE "tombstone" ALTER COLUMN "commit" DROP NOT NULL;

CREATE OR REPLACE FUNCTION version_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (num_nulls(NEW."time", NEW."go_mod") > 0 OR num_nulls(NEW."commit", NEW."h1") = 2 OR NEW."info" IS NOT NULL)
    AND EXISTS (SELECT FROM "module" WHERE "id" = NEW."module_id" AND "project_id" IS NOT NULL) THEN
    RAISE EXCEPTION 'a hosted version has a time, a go.mod, a commit or a zip, and no info' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

-- The same content is the same go.mod and the same commit, or the same zip by its sum.
CREATE OR REPLACE FUNCTION tombstone_holds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  buried "tombstone"%ROWTYPE;
BEGIN
  SELECT t.* INTO buried FROM "tombstone" t JOIN "module" m ON m."path" = t."module_path"
    WHERE m."id" = NEW."module_id" AND t."version" = NEW."version";
  IF FOUND AND (NOT buried."returnable" OR buried."go_mod_h1" IS DISTINCT FROM NEW."go_mod_h1"
    OR (buried."commit" = NEW."commit") IS NOT TRUE AND (buried."h1" = NEW."h1") IS NOT TRUE) THEN
    RAISE EXCEPTION '% % was published before%: its name is never given to other content',
      buried."module_path", buried."version", COALESCE(' from commit ' || buried."commit", '') USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

-- Nor does one that has no commit get what only a version from upstream has.
CREATE TRIGGER "module_version_stays_whole" BEFORE UPDATE OF "info" ON "module_version" FOR EACH ROW
  WHEN (OLD."info" IS NULL AND NEW."info" IS NOT NULL) EXECUTE FUNCTION version_is_whole();
