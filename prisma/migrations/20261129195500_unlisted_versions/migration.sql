-- What enters from upstream says at once whether a list is kept that does not have it, so that nobody has to ask for that by
-- itself: the column "unlisted" of enter_upstream_part.

-- Whether a list of a module is kept that does not have a version: a line is a version, or a version, a space and a time.
CREATE FUNCTION is_unlisted("of_path" TEXT, "of_version" TEXT) RETURNS BOOLEAN LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT FROM upstream_answer a, convert_to("of_version", 'UTF8') AS name
    WHERE a.module_path = "of_path" AND a.kind = 'list'
      AND position('\x0a'::bytea || name || '\x0a'::bytea IN '\x0a'::bytea || a.body || '\x0a'::bytea) = 0
      AND position('\x0a'::bytea || name || ' '::bytea IN '\x0a'::bytea || a.body) = 0)
$$;

DROP FUNCTION enter_upstream_part(TEXT, TEXT, TEXT, TEXT, "VersionKind", DOUBLE PRECISION, BYTEA, TEXT, BYTEA, TEXT, TEXT, BIGINT,
  TEXT[], TEXT[], BOOLEAN[], BOOLEAN[]);

-- Lets parts of one version from upstream enter, all in one statement. `outcome` says what came of it:
--   stored   what is pinned now stands in the other columns
--   buried   the name was taken away (reason says why); nothing is written
--   differs  another go.mod is pinned than the one that the zip was compared with; nothing is written
--   speaks   a go.mod says what is retracted, which this function cannot read; nothing is written
CREATE FUNCTION enter_upstream_part(
  "of_path" TEXT, "of_version" TEXT, "of_sort_key" TEXT, "of_key" TEXT, "of_kind" "VersionKind", "of_time" DOUBLE PRECISION,
  "of_go_mod" BYTEA, "of_go_mod_h1" TEXT, "of_info" BYTEA, "of_h1" TEXT, "of_zip_key" TEXT, "of_zip_size" BIGINT,
  "required_paths" TEXT[], "required_versions" TEXT[], "indirects" BOOLEAN[], "counts" BOOLEAN[]
) RETURNS TABLE ("outcome" TEXT, "reason" TEXT, "entered" BOOLEAN, "id" INTEGER, "info" BYTEA, "go_mod" BYTEA, "h1" TEXT,
  "zip_key" TEXT, "zip_size" BIGINT, "unlisted" BOOLEAN)
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
  RETURN QUERY SELECT 'buried', t.reason, false, NULL::int, NULL::bytea, NULL::bytea, NULL, NULL, NULL::bigint, false
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
      RETURN QUERY SELECT 'differs', NULL, false, NULL::int, NULL::bytea, NULL::bytea, NULL, NULL, NULL::bigint, false;
      RETURN;
    END IF;
    IF "known_h1" IS NULL AND "of_kind" <> 'PSEUDO' THEN
      -- Which go.mod has spoken for the module so far (registry/versions/retractions.ts).
      SELECT v.go_mod INTO "speaking" FROM module_version v
        WHERE v.id = newest_version("of_module", 0) AND v.kind IN ('RELEASE', 'PRERELEASE');
      IF position('retract'::bytea IN "speaking") > 0 OR position('Deprecated:'::bytea IN "speaking") > 0 THEN
        RETURN QUERY SELECT 'speaks', NULL, false, NULL::int, NULL::bytea, NULL::bytea, NULL, NULL, NULL::bigint, false;
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
  RETURN QUERY SELECT 'stored', NULL, "new_ids" IS NOT NULL, v.id, v.info, v.go_mod, v.h1, v.zip_key, v.zip_size,
      v.kind <> 'PSEUDO' AND is_unlisted("of_path", v.version)
    FROM module_version v WHERE v.module_id = "of_module" AND v.version = "of_version";
END $$;
