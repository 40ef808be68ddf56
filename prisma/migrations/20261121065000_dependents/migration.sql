-- CreateTable
CREATE TABLE "module_dependency" (
    "module_id" INTEGER NOT NULL,
    "path" TEXT NOT NULL,
    "version_id" INTEGER NOT NULL,
    "version_key" TEXT NOT NULL,
    "required_version" TEXT NOT NULL,
    "indirect" BOOLEAN NOT NULL,
    "current" BOOLEAN NOT NULL,

    CONSTRAINT "module_dependency_pkey" PRIMARY KEY ("module_id","path")
);

-- CreateIndex
CREATE INDEX "module_dependency_path_module_id_idx" ON "module_dependency"("path", "module_id");

-- CreateIndex
CREATE INDEX "module_dependency_version_id_idx" ON "module_dependency"("version_id");

-- CreateIndex
CREATE INDEX "module_version_module_id_kind_sort_key_idx" ON "module_version"("module_id", "kind", "sort_key");

-- CreateIndex
CREATE INDEX "requirement_path_version_version_id_idx" ON "requirement"("path", "version", "version_id");

-- CreateIndex
CREATE INDEX "tag_event_project_id_tag_id_idx" ON "tag_event"("project_id", "tag", "id");

-- AddForeignKey
ALTER TABLE "module_dependency" ADD CONSTRAINT "module_dependency_module_id_fkey" FOREIGN KEY ("module_id") REFERENCES "module"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "module_dependency" ADD CONSTRAINT "module_dependency_version_id_fkey" FOREIGN KEY ("version_id") REFERENCES "module_version"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand from here on: what Prisma's language cannot say.

-- Byte order, whatever the collation of the database: it is the order of versions.
ALTER TABLE "module_dependency" ALTER COLUMN "version_key" TYPE TEXT COLLATE "C";

-- The newest version of a module whose go.mod is stored, leaving one out: a release before a pre-release before a
-- pseudo-version, and of one kind the highest.
CREATE FUNCTION newest_version("of_module" INTEGER, "without" INTEGER) RETURNS INTEGER LANGUAGE sql STABLE AS $$
  SELECT "newest"."id" FROM unnest(ARRAY['RELEASE', 'PRERELEASE', 'INCOMPATIBLE', 'PSEUDO']::"VersionKind"[])
    WITH ORDINALITY AS "preferred" ("kind", "place")
  CROSS JOIN LATERAL (
    SELECT v."id" FROM "module_version" v
    WHERE v."module_id" = "of_module" AND v."kind" = "preferred"."kind" AND v."go_mod" IS NOT NULL AND v."id" <> "without"
    ORDER BY v."sort_key" DESC LIMIT 1) AS "newest"
  ORDER BY "preferred"."place" LIMIT 1
$$;

-- Of what is there already. A path that a go.mod requires twice counts with the higher version.
INSERT INTO "module_dependency" ("module_id", "path", "version_id", "version_key", "required_version", "indirect", "current")
SELECT DISTINCT ON (k."module_id", r."path") k."module_id", r."path", k."id", k."key", r."version", r."indirect", k."id" = n."newest"
FROM "requirement" r
JOIN (
  SELECT "id", "module_id", (
    CASE "kind" WHEN 'RELEASE' THEN '3' WHEN 'PRERELEASE' THEN '2' WHEN 'INCOMPATIBLE' THEN '1' ELSE '0' END || "sort_key") COLLATE "C" AS "key"
  FROM "module_version") AS k ON k."id" = r."version_id"
JOIN (SELECT "id", newest_version("id", 0) AS "newest" FROM "module" OFFSET 0) AS n ON n."id" = k."module_id"
ORDER BY k."module_id", r."path", k."key" DESC,
  string_to_array(substring(r."version" FROM '^v([0-9]+\.[0-9]+\.[0-9]+)'), '.')::numeric[] DESC, r."version" NOT LIKE '%-%' DESC, r."version" DESC;
