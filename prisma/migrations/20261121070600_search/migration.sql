-- Comes with PostgreSQL (contrib), and is one of the extensions that the owner of a database may add (documentation, F.35).
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- CreateTable
CREATE TABLE "module_search" (
    "module_id" INTEGER NOT NULL,
    "project_id" INTEGER,
    "origin" "ModuleOrigin" NOT NULL,
    "visibility" "Visibility",
    "path" TEXT COLLATE "C" NOT NULL,
    "tail" TEXT COLLATE "C" NOT NULL,
    "element" TEXT COLLATE "C" NOT NULL,
    "words" tsvector NOT NULL,
    "readme" tsvector,
    "licenses" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "go_version" TEXT,

    CONSTRAINT "module_search_pkey" PRIMARY KEY ("module_id")
);

-- CreateIndex
CREATE INDEX "module_search_path_idx" ON "module_search"("path");

-- CreateIndex
CREATE INDEX "module_search_element_idx" ON "module_search"("element");

-- CreateIndex
CREATE INDEX "module_search_tail_idx" ON "module_search" USING GIST ("tail" gist_trgm_ops(siglen=64));

-- CreateIndex
CREATE INDEX "module_search_element_trgm_idx" ON "module_search" USING GIST ("element" gist_trgm_ops(siglen=64));

-- CreateIndex
CREATE INDEX "module_search_words_idx" ON "module_search" USING GIN ("words");

-- CreateIndex
CREATE INDEX "module_search_readme_idx" ON "module_search" USING GIN ("readme");

-- CreateIndex
CREATE INDEX "module_search_project_id_idx" ON "module_search"("project_id");

-- CreateIndex
CREATE INDEX "module_path_idx" ON "module" USING GIN ("path" gin_trgm_ops);

-- CreateIndex
CREATE INDEX "project_name_idx" ON "project" USING GIN ("name" gin_trgm_ops);

-- CreateIndex
CREATE INDEX "project_full_path_idx" ON "project" USING GIN ("full_path" gin_trgm_ops);

-- AddForeignKey
ALTER TABLE "module_search" ADD CONSTRAINT "module_search_module_id_fkey" FOREIGN KEY ("module_id") REFERENCES "module"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand from here on: what Prisma's language cannot say.

-- github.com/acme/lib/v2: the tail is acme/lib/v2, the element lib.
CREATE FUNCTION search_tail(path text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT regexp_replace(lower(path COLLATE "C"), '^[^/]*\.[^/]*/', '')
$$;
CREATE FUNCTION search_element(path text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT regexp_replace(regexp_replace(search_tail(path), '[/.]v[0-9]+$', ''), '^.*/', '')
$$;
CREATE FUNCTION search_words(path text, name text, full_path text, description text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$
  SELECT setweight(to_tsvector('pg_catalog.simple', regexp_replace(search_tail(path), '[^a-z0-9]+', ' ', 'g')), 'A')
    || setweight(to_tsvector('pg_catalog.simple', regexp_replace(COALESCE(name || ' ' || full_path, ''), '[-_./+~]+', ' ', 'g')), 'B')
    || setweight(to_tsvector('pg_catalog.english', COALESCE(description, '')), 'C')
    || setweight(to_tsvector('pg_catalog.simple', regexp_replace(split_part(path, '/', 1), '[^A-Za-z0-9]+', ' ', 'g')), 'D')
$$;

-- Modules by words of their readme, at most so many. By the index, always: the planner does not know what it costs to fetch
-- long readmes only to find that most may not be seen, and would rather read the whole table.
CREATE FUNCTION search_readmes(query tsquery, visibilities "Visibility"[], projects int[], of_origin "ModuleOrigin", license text, go text, most int)
RETURNS SETOF int LANGUAGE sql STABLE SET enable_seqscan = off AS $$
  SELECT s."module_id" FROM "module_search" s
  WHERE s."readme" @@ query
    AND (s."visibility" = ANY(visibilities) OR (s."visibility" IS NOT NULL AND s."project_id" IN (SELECT unnest(projects))))
    AND (of_origin IS NULL OR s."origin" = of_origin) AND (license IS NULL OR license = ANY(s."licenses"))
    AND (go IS NULL OR s."go_version" = go)
  LIMIT most
$$;

CREATE FUNCTION search_modules(ids int[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO "module_search" ("module_id", "project_id", "origin", "visibility", "path", "tail", "element", "words", "readme", "licenses", "go_version")
  SELECT m."id", m."project_id", m."origin",
    CASE WHEN p."packages_enabled" THEN CASE p."package_access" WHEN 'PRIVATE' THEN 'PRIVATE' ELSE p."visibility" END
      WHEN p."id" IS NULL AND NOT EXISTS (SELECT FROM "module" h WHERE h."path" = m."path" AND h."project_id" IS NOT NULL) THEN 'PUBLIC'
    END,
    lower(m."path"), search_tail(m."path"), search_element(m."path"),
    search_words(m."path", p."name", p."full_path", p."description"),
    to_tsvector('pg_catalog.english', d."readme"), COALESCE(d."licenses", '{}'), d."go_version"
  FROM "module" m LEFT JOIN "project" p ON p."id" = m."project_id" LEFT JOIN "module_document" d ON d."module_id" = m."id"
  WHERE m."id" = ANY(ids)
$$;

CREATE FUNCTION search_module_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM search_modules(array_agg("id")) FROM added;
  UPDATE "module_search" s SET "visibility" = NULL
    FROM added a JOIN "module" u ON u."path" = a."path" AND u."project_id" IS NULL
    WHERE a."project_id" IS NOT NULL AND s."module_id" = u."id";
  RETURN NULL;
END $$;
CREATE TRIGGER "module_search_added" AFTER INSERT ON "module" REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION search_module_added();

CREATE FUNCTION search_module_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "module_search" s SET "visibility" = 'PUBLIC'
    FROM removed r JOIN "module" u ON u."path" = r."path" AND u."project_id" IS NULL
    WHERE r."project_id" IS NOT NULL AND s."module_id" = u."id";
  RETURN NULL;
END $$;
CREATE TRIGGER "module_search_removed" AFTER DELETE ON "module" REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION search_module_removed();

CREATE FUNCTION search_project_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "module_search" s SET
    "visibility" = CASE WHEN NEW."packages_enabled" THEN CASE NEW."package_access" WHEN 'PRIVATE' THEN 'PRIVATE' ELSE NEW."visibility" END END,
    "words" = search_words(m."path", NEW."name", NEW."full_path", NEW."description")
    FROM "module" m WHERE m."id" = s."module_id" AND s."project_id" = NEW."id";
  RETURN NULL;
END $$;
CREATE TRIGGER "project_search_changed" AFTER UPDATE OF "name", "description", "visibility", "packages_enabled", "package_access" ON "project" FOR EACH ROW
  WHEN ((OLD."name", OLD."description", OLD."visibility", OLD."packages_enabled", OLD."package_access")
    IS DISTINCT FROM (NEW."name", NEW."description", NEW."visibility", NEW."packages_enabled", NEW."package_access"))
  EXECUTE FUNCTION search_project_changed();

CREATE FUNCTION search_document_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "module_search" SET "readme" = to_tsvector('pg_catalog.english', NEW."readme"),
    "licenses" = COALESCE(NEW."licenses", '{}'), "go_version" = NEW."go_version"
    WHERE "module_id" = COALESCE(NEW."module_id", OLD."module_id");
  RETURN NULL;
END $$;
CREATE TRIGGER "module_document_search_changed" AFTER INSERT OR DELETE OR UPDATE OF "readme", "licenses", "go_version" ON "module_document"
  FOR EACH ROW EXECUTE FUNCTION search_document_changed();

-- What was there before; the triggers' locks keep everybody else waiting.
SELECT search_modules(array_agg("id")) FROM "module";
