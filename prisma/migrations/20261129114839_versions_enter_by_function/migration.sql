-- Versions enter by functions, so that what was a dozen round trips is one: each costs the server, PostgreSQL and two
-- changes of process more than the work that it asks for. Each statement in them sees what was committed before it, as the
-- statements of a transaction do (volatile functions, PostgreSQL documentation, 36.7).

-- Pins what is not pinned yet of some versions and says which have entered by that, which is when their go.mod is there.
-- Arrays of one length describe the versions; required_by is the place of the requiring one among them, counted from 1, and
-- a requirement counts if no other of the same go.mod for the same path has a higher version. A key says how new a version
-- is (registry/versions/dependencies.ts).
CREATE FUNCTION enter_versions(
  "module_ids" INTEGER[], "names" TEXT[], "sort_keys" TEXT[], "keys" TEXT[], "kinds" "VersionKind"[],
  "times" DOUBLE PRECISION[], "commits" TEXT[], "refs" TEXT[], "directories" TEXT[], "go_mods" BYTEA[],
  "go_mod_h1s" TEXT[], "legacies" BOOLEAN[], "infos" BYTEA[], "h1s" TEXT[], "zip_keys" TEXT[], "zip_sizes" BIGINT[],
  "required_by" INTEGER[], "required_paths" TEXT[], "required_versions" TEXT[], "indirects" BOOLEAN[], "counts" BOOLEAN[]
) RETURNS TABLE ("entered_id" INTEGER, "entered_module" INTEGER, "entered_name" TEXT, "entered_kind" "VersionKind")
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  "ids" INTEGER[];
  "places" BIGINT[];
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
  UPDATE module_dependency AS known SET current = false
  FROM (
    SELECT id, newest_version(id, 0) AS newest FROM (
      SELECT DISTINCT "module_ids"[place] AS id FROM unnest("places") AS place) AS given OFFSET 0) AS module
  WHERE known.module_id = module.id AND known.current AND known.version_id <> module.newest;
  RETURN QUERY SELECT e.id, "module_ids"[e.place], "names"[e.place], "kinds"[e.place]
    FROM unnest("ids", "places") AS e (id, place);
END $$;

-- Gives versions their places in the index feed: the last thing in the transaction that publishes them, because its lock is
-- held until they are there (registry/versions/index-feed.ts).
CREATE FUNCTION append_to_index("version_ids" INTEGER[]) RETURNS VOID LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7166803);
  INSERT INTO index_entry ("timestamp", path, version, project_id, upstream)
    SELECT newest.at + row_number() OVER (ORDER BY v.id) * interval '1 microsecond', m.path, v.version, m.project_id,
      m.project_id IS NULL
    FROM module_version v JOIN module m ON m.id = v.module_id,
      (SELECT greatest(clock_timestamp(), (SELECT max("timestamp") FROM index_entry)) AS at) newest
    WHERE v.id = ANY("version_ids");
END $$;

-- Lets one part of one version from upstream enter, all in one statement. `outcome` says what came of it:
--   stored   what is pinned now stands in the other columns
--   buried   the name was taken away (reason says why); nothing is written
--   differs  another go.mod is pinned than the one that the zip was compared with; nothing is written
--   speaks   a go.mod says what is retracted, which this function cannot read; nothing is written
CREATE FUNCTION enter_upstream_part(
  "of_path" TEXT, "of_version" TEXT, "of_sort_key" TEXT, "of_key" TEXT, "of_kind" "VersionKind", "of_time" DOUBLE PRECISION,
  "of_go_mod" BYTEA, "of_go_mod_h1" TEXT, "of_info" BYTEA, "of_h1" TEXT, "of_zip_key" TEXT, "of_zip_size" BIGINT,
  "required_paths" TEXT[], "required_versions" TEXT[], "indirects" BOOLEAN[], "counts" BOOLEAN[]
) RETURNS TABLE ("outcome" TEXT, "reason" TEXT, "entered" BOOLEAN, "id" INTEGER, "info" BYTEA, "go_mod" BYTEA, "h1" TEXT,
  "zip_key" TEXT, "zip_size" BIGINT)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  "of_module" INTEGER;
  "known_h1" TEXT;
  "speaking" BYTEA;
  "new_ids" INTEGER[];
BEGIN
  -- Whoever makes tombstones is waited for (registry/versions/tombstones.ts).
  PERFORM pg_advisory_xact_lock_shared(7166804, hashtext("of_path") & 255);
  RETURN QUERY SELECT 'buried', t.reason, false, NULL::int, NULL::bytea, NULL::bytea, NULL, NULL, NULL::bigint
    FROM tombstone t WHERE t.module_path = "of_path" AND t.version = "of_version";
  IF FOUND THEN
    RETURN;
  END IF;
  LOOP
    -- One writer a module at a time.
    SELECT m.id INTO "of_module" FROM module m WHERE m.path = "of_path" AND m.origin = 'UPSTREAM' FOR UPDATE;
    EXIT WHEN FOUND;
    INSERT INTO module AS m (path, origin) VALUES ("of_path", 'UPSTREAM') ON CONFLICT DO NOTHING RETURNING m.id INTO "of_module";
    EXIT WHEN FOUND;
  END LOOP;
  IF "of_go_mod" IS NOT NULL THEN
    SELECT v.go_mod_h1 INTO "known_h1" FROM module_version v WHERE v.module_id = "of_module" AND v.version = "of_version";
    IF "of_h1" IS NOT NULL AND "known_h1" <> "of_go_mod_h1" THEN
      RETURN QUERY SELECT 'differs', NULL, false, NULL::int, NULL::bytea, NULL::bytea, NULL, NULL, NULL::bigint;
      RETURN;
    END IF;
    IF "known_h1" IS NULL AND "of_kind" <> 'PSEUDO' THEN
      -- Which go.mod has spoken for the module so far (registry/versions/retractions.ts).
      SELECT v.go_mod INTO "speaking" FROM module_version v
        WHERE v.id = newest_version("of_module", 0) AND v.kind IN ('RELEASE', 'PRERELEASE');
      IF position('retract'::bytea IN "speaking") > 0 OR position('Deprecated:'::bytea IN "speaking") > 0 THEN
        RETURN QUERY SELECT 'speaks', NULL, false, NULL::int, NULL::bytea, NULL::bytea, NULL, NULL, NULL::bigint;
        RETURN;
      END IF;
    END IF;
  END IF;
  SELECT array_agg("entered_id") INTO "new_ids" FROM enter_versions(
    ARRAY["of_module"], ARRAY["of_version"], ARRAY["of_sort_key"], ARRAY["of_key"], ARRAY["of_kind"], ARRAY["of_time"],
    ARRAY[NULL::text], ARRAY[NULL::text], ARRAY[''], ARRAY["of_go_mod"], ARRAY["of_go_mod_h1"], ARRAY[false],
    ARRAY["of_info"], ARRAY["of_h1"], ARRAY["of_zip_key"], ARRAY["of_zip_size"],
    array_fill(1, ARRAY[cardinality("required_paths")]), "required_paths", "required_versions", "indirects", "counts");
  IF "new_ids" IS NOT NULL THEN
    PERFORM append_to_index("new_ids");
  END IF;
  RETURN QUERY SELECT 'stored', NULL, "new_ids" IS NOT NULL, v.id, v.info, v.go_mod, v.h1, v.zip_key, v.zip_size
    FROM module_version v WHERE v.module_id = "of_module" AND v.version = "of_version";
END $$;
