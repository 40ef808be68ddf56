-- CreateEnum
CREATE TYPE "ObjectFormat" AS ENUM ('SHA1', 'SHA256');

-- AlterTable
ALTER TABLE "project" ADD COLUMN     "object_format" "ObjectFormat" NOT NULL DEFAULT 'SHA1';

-- A repository keeps its hash for ever.
CREATE FUNCTION project_object_format_pinned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the object format of a project is pinned: its repository is made of it' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER "project_object_format_pinned" BEFORE UPDATE ON "project" FOR EACH ROW
  WHEN (OLD."object_format" IS DISTINCT FROM NEW."object_format") EXECUTE FUNCTION project_object_format_pinned();
