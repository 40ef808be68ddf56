-- CreateEnum
CREATE TYPE "PackageFileKind" AS ENUM ('MOD', 'ZIP');

-- AlterTable
ALTER TABLE "module_version" ADD COLUMN     "package_name" TEXT,
ADD COLUMN     "package_of" INTEGER;

-- By hand: byte order, whatever the collation of the database, as for "module"."path".
ALTER TABLE "module_version" ALTER COLUMN "package_name" TYPE TEXT COLLATE "C";

-- By hand: what was published before there were packages (before the indices, which are then built at once).
UPDATE "module_version" AS v SET "package_of" = m."project_id", "package_name" = m."path"
  FROM "module" m WHERE m."id" = v."module_id" AND m."project_id" IS NOT NULL AND v."kind" <> 'PSEUDO';

-- CreateTable
CREATE TABLE "package_file" (
    "id" SERIAL NOT NULL,
    "version_id" INTEGER NOT NULL,
    "kind" "PackageFileKind" NOT NULL,
    "size" BIGINT NOT NULL,
    "md5" TEXT NOT NULL,
    "sha1" TEXT NOT NULL,
    "sha256" TEXT NOT NULL,

    CONSTRAINT "package_file_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "package_file_version_id_kind_key" ON "package_file"("version_id", "kind");

-- CreateIndex
CREATE INDEX "module_version_package_of_created_at_id_idx" ON "module_version"("package_of", "created_at", "id");

-- CreateIndex
CREATE INDEX "module_version_package_of_package_name_sort_key_idx" ON "module_version"("package_of", "package_name", "sort_key");

-- CreateIndex
CREATE INDEX "module_version_package_of_sort_key_created_at_id_idx" ON "module_version"("package_of", "sort_key", "created_at", "id");

-- AddForeignKey
ALTER TABLE "package_file" ADD CONSTRAINT "package_file_version_id_fkey" FOREIGN KEY ("version_id") REFERENCES "module_version"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand from here on: what Prisma's language cannot say.

ALTER TABLE "module_version" ADD CONSTRAINT "package_with_name" CHECK (("package_of" IS NULL) = ("package_name" IS NULL));
ALTER TABLE "package_file" ADD CONSTRAINT "sums_in_hex" CHECK (
  "md5" ~ '^[0-9a-f]{32}$' AND "sha1" ~ '^[0-9a-f]{40}$' AND "sha256" ~ '^[0-9a-f]{64}$');

-- In which package list a version stands, whoever inserts it and whatever they say.
CREATE FUNCTION version_is_package() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW."package_of" := NULL;
  NEW."package_name" := NULL;
  IF NEW."kind" <> 'PSEUDO' THEN
    SELECT "project_id", "path" INTO NEW."package_of", NEW."package_name"
      FROM "module" WHERE "id" = NEW."module_id" AND "project_id" IS NOT NULL;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "module_version_package" BEFORE INSERT ON "module_version" FOR EACH ROW EXECUTE FUNCTION version_is_package();

-- Pinned as the version is. (A project that is deleted, or a version, takes them along on purpose.)
CREATE TRIGGER "module_version_package_pinned" BEFORE UPDATE ON "module_version" FOR EACH ROW
  WHEN ((OLD."package_of", OLD."package_name") IS DISTINCT FROM (NEW."package_of", NEW."package_name"))
  EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "package_file_pinned" BEFORE UPDATE OR DELETE ON "package_file" FOR EACH ROW EXECUTE FUNCTION is_pinned('deliberately');
CREATE TRIGGER "package_file_not_truncated" BEFORE TRUNCATE ON "package_file" EXECUTE FUNCTION is_pinned();
