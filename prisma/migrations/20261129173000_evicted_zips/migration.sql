-- The zip of a version from upstream may be taken from the disk to make room. Its row stays as it was, so that only the
-- content that was served comes back; a row here says that its bytes are not promised until then.
CREATE TABLE "evicted_zip" (
  "version_id" INTEGER NOT NULL,
  "evicted_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "evicted_zip_pkey" PRIMARY KEY ("version_id")
);
ALTER TABLE "evicted_zip" ADD CONSTRAINT "evicted_zip_version_id_fkey"
  FOREIGN KEY ("version_id") REFERENCES "module_version"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Nothing else has these bytes than us, if the version is one of our own.
CREATE FUNCTION evicted_zip_is_of_upstream() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM "module_version" v JOIN "module" m ON m."id" = v."module_id"
    WHERE v."id" = NEW."version_id" AND m."origin" = 'UPSTREAM' AND v."h1" IS NOT NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'only the zip of a version from upstream can be evicted' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "evicted_zip_of_upstream" BEFORE INSERT OR UPDATE ON "evicted_zip" FOR EACH ROW
  EXECUTE FUNCTION evicted_zip_is_of_upstream();

-- Pinned, as before. Only an evicted zip may come back as other bytes, because another proxy packs the same files otherwise:
-- with the same h1, which is what clients compare.
DROP TRIGGER "module_version_pinned" ON "module_version";
CREATE TRIGGER "module_version_pinned" BEFORE UPDATE ON "module_version" FOR EACH ROW
  WHEN ((OLD."module_id", OLD."version", OLD."sort_key", OLD."kind", OLD."commit", OLD."ref", OLD."directory", OLD."legacy", OLD."created_at")
      IS DISTINCT FROM (NEW."module_id", NEW."version", NEW."sort_key", NEW."kind", NEW."commit", NEW."ref", NEW."directory", NEW."legacy", NEW."created_at")
    OR (OLD."go_mod" IS NOT NULL AND (OLD."go_mod", OLD."go_mod_h1") IS DISTINCT FROM (NEW."go_mod", NEW."go_mod_h1"))
    OR (OLD."info" IS NOT NULL AND OLD."info" IS DISTINCT FROM NEW."info")
    OR ((OLD."time" IS NOT NULL OR OLD."info" IS NOT NULL) AND OLD."time" IS DISTINCT FROM NEW."time")
    OR (OLD."commit" IS NOT NULL AND NEW."info" IS NOT NULL)
    OR (OLD."h1" IS NOT NULL AND OLD."h1" IS DISTINCT FROM NEW."h1"))
  EXECUTE FUNCTION is_pinned();

CREATE FUNCTION zip_is_pinned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM "evicted_zip" WHERE "version_id" = OLD."id";
  IF NOT FOUND OR NEW."zip_key" IS NULL THEN
    RAISE EXCEPTION '% is pinned: what was published or logged stays as it is', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "module_version_zip_pinned" BEFORE UPDATE ON "module_version" FOR EACH ROW
  WHEN (OLD."h1" IS NOT NULL AND (OLD."zip_key", OLD."zip_size") IS DISTINCT FROM (NEW."zip_key", NEW."zip_size"))
  EXECUTE FUNCTION zip_is_pinned();
