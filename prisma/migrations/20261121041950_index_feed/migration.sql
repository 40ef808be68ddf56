-- CreateTable
CREATE TABLE "index_entry" (
    "timestamp" TIMESTAMPTZ(6) NOT NULL,
    "path" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "project_id" INTEGER,
    "gone_at" TIMESTAMPTZ(3),

    CONSTRAINT "index_entry_pkey" PRIMARY KEY ("timestamp")
);

-- CreateIndex
CREATE INDEX "index_entry_project_id_timestamp_idx" ON "index_entry"("project_id", "timestamp");

-- CreateIndex
CREATE INDEX "index_entry_path_version_idx" ON "index_entry"("path", "version");

-- AddForeignKey
ALTER TABLE "index_entry" ADD CONSTRAINT "index_entry_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- By hand from here on: what Prisma's language cannot say.

-- Pinned: a place in the feed stays what it was; only that the version or its project is gone may be added.
CREATE TRIGGER "index_entry_kept" BEFORE DELETE ON "index_entry" FOR EACH ROW EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "index_entry_pinned" BEFORE UPDATE ON "index_entry" FOR EACH ROW
  WHEN ((OLD."timestamp", OLD."path", OLD."version") IS DISTINCT FROM (NEW."timestamp", NEW."path", NEW."version")
    OR (OLD."project_id" IS DISTINCT FROM NEW."project_id" AND NEW."project_id" IS NOT NULL)
    OR (OLD."gone_at" IS NOT NULL AND OLD."gone_at" IS DISTINCT FROM NEW."gone_at"))
  EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "index_entry_not_truncated" BEFORE TRUNCATE ON "index_entry" EXECUTE FUNCTION is_pinned();

-- What was published before there was a feed, in the order of publication.
INSERT INTO "index_entry" ("timestamp", "path", "version", "project_id")
SELECT now() + row_number() OVER (ORDER BY v."created_at", v."id") * interval '1 microsecond', m."path", v."version", m."project_id"
FROM "module_version" v JOIN "module" m ON m."id" = v."module_id";
