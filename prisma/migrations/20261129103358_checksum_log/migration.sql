-- CreateEnum
CREATE TYPE "SumBasis" AS ENUM ('HOSTED', 'PUBLIC', 'OBSERVED');

-- CreateTable
CREATE TABLE "sum_record" (
    "id" BIGINT NOT NULL,
    "path" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "h1" BYTEA NOT NULL,
    "go_mod_h1" BYTEA NOT NULL,
    "basis" "SumBasis" NOT NULL,
    "public_id" BIGINT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sum_record_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sum_tile" (
    "level" SMALLINT NOT NULL,
    "number" BIGINT NOT NULL,
    "bytes" BYTEA NOT NULL,

    CONSTRAINT "sum_tile_pkey" PRIMARY KEY ("level","number")
);

-- CreateTable
CREATE TABLE "sum_tree" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "size" BIGINT NOT NULL DEFAULT 0,
    "root" BYTEA,
    "edge" BYTEA[] DEFAULT ARRAY[]::BYTEA[],
    "note" BYTEA,

    CONSTRAINT "sum_tree_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sum_name" (
    "name" TEXT NOT NULL,
    "verifier_key" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sum_name_pkey" PRIMARY KEY ("name")
);

-- CreateIndex
CREATE UNIQUE INDEX "sum_record_path_version_key" ON "sum_record"("path", "version");

-- What Prisma's language cannot say. Byte order, as of all module paths; tiles are hashes, which no compression makes
-- smaller.
ALTER TABLE "sum_record" ALTER COLUMN "path" TYPE TEXT COLLATE "C";
ALTER TABLE "sum_record" ALTER COLUMN "version" TYPE TEXT COLLATE "C";
ALTER TABLE "sum_tile" ALTER COLUMN "bytes" SET STORAGE EXTERNAL;
ALTER TABLE "sum_record" ADD CONSTRAINT "sum_record_sums" CHECK (length("h1") = 32 AND length("go_mod_h1") = 32 AND "id" >= 0);
ALTER TABLE "sum_record" ADD CONSTRAINT "sum_record_basis" CHECK (("public_id" IS NULL) OR "basis" = 'PUBLIC');
ALTER TABLE "sum_tile" ADD CONSTRAINT "sum_tile_full" CHECK (length("bytes") = 8192);
ALTER TABLE "sum_tree" ADD CONSTRAINT "sum_tree_one" CHECK ("id" = 1);
ALTER TABLE "sum_tree" ADD CONSTRAINT "sum_tree_root" CHECK (("root" IS NULL) = ("size" = 0));
INSERT INTO "sum_tree" DEFAULT VALUES;

-- The log is only ever added to.
CREATE TRIGGER "sum_record_pinned" BEFORE UPDATE OR DELETE ON "sum_record" FOR EACH ROW EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "sum_record_not_truncated" BEFORE TRUNCATE ON "sum_record" EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "sum_tile_pinned" BEFORE UPDATE OR DELETE ON "sum_tile" FOR EACH ROW EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "sum_tile_not_truncated" BEFORE TRUNCATE ON "sum_tile" EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "sum_name_pinned" BEFORE UPDATE OR DELETE ON "sum_name" FOR EACH ROW EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "sum_name_not_truncated" BEFORE TRUNCATE ON "sum_name" EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "sum_tree_grows" BEFORE UPDATE ON "sum_tree" FOR EACH ROW
  WHEN (NEW."size" < OLD."size" OR (NEW."size" = OLD."size" AND (NEW."root", NEW."edge") IS DISTINCT FROM (OLD."root", OLD."edge")))
  EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "sum_tree_kept" BEFORE DELETE ON "sum_tree" FOR EACH ROW EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "sum_tree_not_truncated" BEFORE TRUNCATE ON "sum_tree" EXECUTE FUNCTION is_pinned();

-- A version whose sums were logged is never given others: of a name that comes back after the deletion of its project the
-- tombstone knows the commit and go.mod, the record knows the zip.
CREATE FUNCTION record_holds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  logged "sum_record"%ROWTYPE;
BEGIN
  SELECT r.* INTO logged FROM "sum_record" r JOIN "module" m ON m."path" = r."path"
    WHERE m."id" = NEW."module_id" AND r."version" = NEW."version";
  IF FOUND AND (NEW."h1", NEW."go_mod_h1") IS DISTINCT FROM
      ('h1:' || encode(logged."h1", 'base64'), 'h1:' || encode(logged."go_mod_h1", 'base64')) THEN
    RAISE EXCEPTION '% % is in the checksum log with other sums: its name is never given to other content',
      logged."path", logged."version" USING ERRCODE = 'restrict_violation', CONSTRAINT = 'record_holds';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "module_version_record" BEFORE INSERT OR UPDATE OF "h1" ON "module_version" FOR EACH ROW
  WHEN (NEW."h1" IS NOT NULL) EXECUTE FUNCTION record_holds();
