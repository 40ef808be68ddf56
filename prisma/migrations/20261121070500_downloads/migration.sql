-- CreateTable
CREATE TABLE "version_downloads" (
    "version_id" INTEGER NOT NULL,
    "module_id" INTEGER NOT NULL,
    "total" BIGINT NOT NULL,
    "last_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "version_downloads_pkey" PRIMARY KEY ("version_id")
);

-- CreateTable
CREATE TABLE "version_download_day" (
    "version_id" INTEGER NOT NULL,
    "day" DATE NOT NULL,
    "module_id" INTEGER NOT NULL,
    "count" BIGINT NOT NULL,

    CONSTRAINT "version_download_day_pkey" PRIMARY KEY ("version_id","day")
);

-- CreateTable
CREATE TABLE "module_downloads" (
    "module_id" INTEGER NOT NULL,
    "total" BIGINT NOT NULL,

    CONSTRAINT "module_downloads_pkey" PRIMARY KEY ("module_id")
);

-- CreateTable
CREATE TABLE "module_download_day" (
    "module_id" INTEGER NOT NULL,
    "day" DATE NOT NULL,
    "count" BIGINT NOT NULL,

    CONSTRAINT "module_download_day_pkey" PRIMARY KEY ("module_id","day")
);

-- CreateTable
CREATE TABLE "traffic_day" (
    "day" DATE NOT NULL,
    "downloads" BIGINT NOT NULL DEFAULT 0,
    "memory" BIGINT NOT NULL DEFAULT 0,
    "stored" BIGINT NOT NULL DEFAULT 0,
    "upstream" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "traffic_day_pkey" PRIMARY KEY ("day")
);

-- CreateTable
CREATE TABLE "index_day" (
    "day" DATE NOT NULL,
    "versions" BIGINT NOT NULL,

    CONSTRAINT "index_day_pkey" PRIMARY KEY ("day")
);

-- CreateTable
CREATE TABLE "storage_change" (
    "id" BIGSERIAL NOT NULL,
    "origin" "ModuleOrigin" NOT NULL,
    "modules" BIGINT NOT NULL DEFAULT 0,
    "versions" BIGINT NOT NULL DEFAULT 0,
    "bytes" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "storage_change_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "version_downloads_module_id_total_idx" ON "version_downloads"("module_id", "total" DESC);

-- CreateIndex
CREATE INDEX "version_download_day_module_id_day_idx" ON "version_download_day"("module_id", "day");

-- CreateIndex
CREATE INDEX "module_downloads_total_module_id_idx" ON "module_downloads"("total" DESC, "module_id");

-- CreateIndex
CREATE INDEX "module_download_day_day_module_id_count_idx" ON "module_download_day"("day", "module_id", "count");

-- AddForeignKey
ALTER TABLE "version_downloads" ADD CONSTRAINT "version_downloads_version_id_fkey" FOREIGN KEY ("version_id") REFERENCES "module_version"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "version_download_day" ADD CONSTRAINT "version_download_day_version_id_fkey" FOREIGN KEY ("version_id") REFERENCES "module_version"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "module_downloads" ADD CONSTRAINT "module_downloads_module_id_fkey" FOREIGN KEY ("module_id") REFERENCES "module"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "module_download_day" ADD CONSTRAINT "module_download_day_module_id_fkey" FOREIGN KEY ("module_id") REFERENCES "module"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand from here on: what Prisma's language cannot say.

-- What is stored, as a ledger. Statements, not rows, so that a push of 10,000 tags adds a row for each batch.
CREATE FUNCTION count_modules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "storage_change" ("origin", "modules")
    SELECT "origin", CASE TG_OP WHEN 'INSERT' THEN count(*) ELSE -count(*) END FROM changed GROUP BY "origin";
  RETURN NULL;
END $$;
CREATE TRIGGER "module_added" AFTER INSERT ON "module" REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_modules();
CREATE TRIGGER "module_removed" AFTER DELETE ON "module" REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_modules();

CREATE FUNCTION count_versions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "storage_change" ("origin", "versions", "bytes")
    SELECT m."origin", sign.of * count(*), sign.of * COALESCE(sum(c."zip_size"), 0)
    FROM changed c JOIN "module" m ON m."id" = c."module_id",
      (SELECT CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END AS of) AS sign
    GROUP BY m."origin", sign.of;
  RETURN NULL;
END $$;
CREATE TRIGGER "module_version_added" AFTER INSERT ON "module_version" REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_versions();
CREATE TRIGGER "module_version_removed" AFTER DELETE ON "module_version" REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_versions();

CREATE FUNCTION count_zip() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "storage_change" ("origin", "bytes")
    SELECT "origin", COALESCE(NEW."zip_size", 0) - COALESCE(OLD."zip_size", 0) FROM "module" WHERE "id" = NEW."module_id";
  RETURN NULL;
END $$;
CREATE TRIGGER "module_version_zipped" AFTER UPDATE OF "zip_size" ON "module_version" FOR EACH ROW
  WHEN (OLD."zip_size" IS DISTINCT FROM NEW."zip_size") EXECUTE FUNCTION count_zip();

-- Whoever appends to the index holds its lock, so the row of the day is nobody else's meanwhile.
CREATE FUNCTION count_indexed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "index_day" AS d ("day", "versions")
    SELECT ("timestamp" AT TIME ZONE 'UTC')::date, count(*) FROM added GROUP BY 1 ORDER BY 1
    ON CONFLICT ("day") DO UPDATE SET "versions" = d."versions" + EXCLUDED."versions";
  RETURN NULL;
END $$;
CREATE TRIGGER "index_entry_added" AFTER INSERT ON "index_entry" REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_indexed();

-- What was there before; the triggers' locks keep everybody else waiting.
INSERT INTO "storage_change" ("origin", "modules", "versions", "bytes")
SELECT m."origin", count(*), sum(v."versions"), sum(v."bytes")
FROM "module" m CROSS JOIN LATERAL (
  SELECT count(*) AS "versions", COALESCE(sum("zip_size"), 0) AS "bytes" FROM "module_version" WHERE "module_id" = m."id") AS v
GROUP BY m."origin";
INSERT INTO "index_day" ("day", "versions")
SELECT ("timestamp" AT TIME ZONE 'UTC')::date, count(*) FROM "index_entry" GROUP BY 1;
