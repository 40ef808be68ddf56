-- PostgreSQL keeps the plans of statements in functions, and until it has counted what is in a new database those that read
-- whole tables looked best to it: each version read more than the one before, for a minute. So what asks by keys goes by indexes.

-- As before, but that no table is read whole, and that what is not current any more is looked for module by module.
CREATE OR REPLACE FUNCTION enter_versions(
  "module_ids" INTEGER[], "names" TEXT[], "sort_keys" TEXT[], "keys" TEXT[], "kinds" "VersionKind"[],
  "times" DOUBLE PRECISION[], "commits" TEXT[], "refs" TEXT[], "directories" TEXT[], "go_mods" BYTEA[],
  "go_mod_h1s" TEXT[], "legacies" BOOLEAN[], "infos" BYTEA[], "h1s" TEXT[], "zip_keys" TEXT[], "zip_sizes" BIGINT[],
  "required_by" INTEGER[], "required_paths" TEXT[], "required_versions" TEXT[], "indirects" BOOLEAN[], "counts" BOOLEAN[]
) RETURNS TABLE ("entered_id" INTEGER, "entered_module" INTEGER, "entered_name" TEXT, "entered_kind" "VersionKind")
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
DECLARE
  "ids" INTEGER[];
  "places" BIGINT[];
  "of_module" INTEGER;
  "newest" INTEGER;
BEGIN
  WITH new AS (
    SELECT * FROM unnest("module_ids", "names", "sort_keys", "kinds", "times", "commits", "refs", "directories", "go_mods",
      "go_mod_h1s", "legacies", "infos", "h1s", "zip_keys", "zip_sizes") WITH ORDINALITY
      AS new (module_id, version, sort_key, kind, seconds, "commit", ref, directory, go_mod, go_mod_h1, legacy, info, h1,
        zip_key, zip_size, place)),
  before AS (
    SELECT module_id, version FROM module_version JOIN new USING (module_id, version)
    WHERE module_version.go_mod IS NOT NULL),
  written AS (
    INSERT INTO module_version AS v
      (module_id, version, sort_key, kind, "time", "commit", ref, directory, go_mod, go_mod_h1, legacy, info, h1, zip_key, zip_size)
    SELECT module_id, version, sort_key, kind, to_timestamp(seconds), "commit", ref, directory, go_mod, go_mod_h1, legacy, info, h1, zip_key, zip_size
    FROM new
    ON CONFLICT (module_id, version) DO UPDATE SET
      "time" = CASE WHEN v.info IS NULL THEN EXCLUDED."time" ELSE v."time" END,
      info = COALESCE(v.info, EXCLUDED.info),
      go_mod = COALESCE(v.go_mod, EXCLUDED.go_mod), go_mod_h1 = COALESCE(v.go_mod_h1, EXCLUDED.go_mod_h1),
      h1 = COALESCE(v.h1, EXCLUDED.h1), zip_key = COALESCE(v.zip_key, EXCLUDED.zip_key),
      zip_size = COALESCE(v.zip_size, EXCLUDED.zip_size)
      WHERE (v.info IS NULL AND EXCLUDED.info IS NOT NULL)
        OR (v.go_mod IS NULL AND EXCLUDED.go_mod IS NOT NULL)
        OR (v.h1 IS NULL AND EXCLUDED.h1 IS NOT NULL)
    RETURNING v.id, v.module_id, v.version, v.go_mod IS NOT NULL AS whole)
  SELECT array_agg(written.id ORDER BY new.place), array_agg(new.place ORDER BY new.place) INTO "ids", "places"
  FROM written JOIN new USING (module_id, version)
  WHERE written.whole AND NOT EXISTS (
    SELECT FROM before WHERE before.module_id = written.module_id AND before.version = written.version);
  IF "ids" IS NULL THEN
    RETURN;
  END IF;
  IF cardinality("required_by") > 0 THEN
    INSERT INTO requirement (version_id, path, version, indirect)
    SELECT e.id, r.path, r.version, r.indirect FROM unnest("ids", "places") AS e (id, place)
    JOIN unnest("required_by", "required_paths", "required_versions", "indirects") AS r (place, path, version, indirect)
      ON r.place = e.place
    ON CONFLICT DO NOTHING;
    -- Of each module and each path the newest of these versions, unless a newer one is known.
    INSERT INTO module_dependency AS known
      (module_id, path, version_id, version_key, required_version, indirect, current)
    SELECT DISTINCT ON (e.module_id, r.path) e.module_id, r.path, e.id, e.key, r.version, r.indirect, e.id = e.newest
    FROM (
      SELECT id, place, "module_ids"[place] AS module_id, "keys"[place] AS key,
        newest_version("module_ids"[place], 0) AS newest
      FROM unnest("ids", "places") AS each (id, place) OFFSET 0) AS e
    JOIN unnest("required_by", "required_paths", "required_versions", "indirects", "counts")
      AS r (place, path, version, indirect, counts) ON r.place = e.place AND r.counts
    ORDER BY e.module_id, r.path, e.key COLLATE "C" DESC
    ON CONFLICT (module_id, path) DO UPDATE SET version_id = EXCLUDED.version_id, version_key = EXCLUDED.version_key,
      required_version = EXCLUDED.required_version, indirect = EXCLUDED.indirect, current = EXCLUDED.current
    WHERE known.version_key < EXCLUDED.version_key;
  END IF;
  FOR "of_module" IN SELECT DISTINCT "module_ids"[place] FROM unnest("places") AS place LOOP
    "newest" := newest_version("of_module", 0);
    UPDATE module_dependency SET current = false WHERE module_id = "of_module" AND current AND version_id <> "newest";
  END LOOP;
  RETURN QUERY SELECT e.id, "module_ids"[e.place], "names"[e.place], "kinds"[e.place]
    FROM unnest("ids", "places") AS e (id, place);
END $$;

-- What enters from upstream is one version at a time, and so one plan for each statement on its way is right for all: to go from
-- row to row. PostgreSQL would plan those with arrays anew each time, for a third of what they cost, because it expects ten rows
-- where one comes. This holds in what is called from here too (PostgreSQL documentation, CREATE FUNCTION,
-- configuration_parameter).
ALTER FUNCTION enter_upstream_part(TEXT, TEXT, TEXT, TEXT, "VersionKind", DOUBLE PRECISION, BYTEA, TEXT, BYTEA, TEXT, TEXT, BIGINT,
  TEXT[], TEXT[], BOOLEAN[], BOOLEAN[])
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off;
