-- CreateEnum
CREATE TYPE "Forge" AS ENUM ('GITHUB', 'GITLAB', 'GITEA');

-- AlterTable
ALTER TABLE "project" ADD COLUMN     "mirrored" BOOLEAN NOT NULL DEFAULT false;

-- CreateTable
CREATE TABLE "mirror" (
    "id" SERIAL NOT NULL,
    "project_id" INTEGER NOT NULL,
    "url" TEXT NOT NULL,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "credential_id" INTEGER,
    "hook_secret" TEXT NOT NULL,
    "interval_seconds" INTEGER,
    "refs_digest" TEXT,
    "next_look_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "look_started_at" TIMESTAMPTZ(3),
    "looked_at" TIMESTAMPTZ(3),
    "succeeded_at" TIMESTAMPTZ(3),
    "changed_at" TIMESTAMPTZ(3),
    "failures" INTEGER NOT NULL DEFAULT 0,
    "last_error" TEXT,
    "import_source_id" INTEGER,
    "external_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "mirror_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "credential" (
    "id" SERIAL NOT NULL,
    "origin" TEXT NOT NULL,
    "username" TEXT NOT NULL,
    "secret" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "credential_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "import_source" (
    "id" SERIAL NOT NULL,
    "group_id" INTEGER NOT NULL,
    "url" TEXT NOT NULL,
    "forge" "Forge" NOT NULL,
    "credential_id" INTEGER,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "import_source_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "mirror_project_id_key" ON "mirror"("project_id");

-- CreateIndex
CREATE INDEX "mirror_next_look_at_idx" ON "mirror"("next_look_at");

-- CreateIndex
CREATE INDEX "mirror_credential_id_idx" ON "mirror"("credential_id");

-- CreateIndex
CREATE UNIQUE INDEX "mirror_import_source_id_external_id_key" ON "mirror"("import_source_id", "external_id");

-- CreateIndex
CREATE INDEX "import_source_credential_id_idx" ON "import_source"("credential_id");

-- CreateIndex
CREATE UNIQUE INDEX "import_source_group_id_url_key" ON "import_source"("group_id", "url");

-- AddForeignKey
ALTER TABLE "mirror" ADD CONSTRAINT "mirror_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "mirror" ADD CONSTRAINT "mirror_credential_id_fkey" FOREIGN KEY ("credential_id") REFERENCES "credential"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "mirror" ADD CONSTRAINT "mirror_import_source_id_fkey" FOREIGN KEY ("import_source_id") REFERENCES "import_source"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "import_source" ADD CONSTRAINT "import_source_group_id_fkey" FOREIGN KEY ("group_id") REFERENCES "group"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "import_source" ADD CONSTRAINT "import_source_credential_id_fkey" FOREIGN KEY ("credential_id") REFERENCES "credential"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- A project is mirrored while its mirror is on, whoever changes that; servers forget what they remembered about access.
CREATE FUNCTION mirror_marks_project() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "project" SET "mirrored" = TG_OP <> 'DELETE' AND NEW."enabled"
    WHERE "id" = COALESCE(NEW."project_id", OLD."project_id");
  RETURN NULL;
END $$;
CREATE TRIGGER "mirror_marks_project" AFTER INSERT OR DELETE OR UPDATE OF "enabled" ON "mirror" FOR EACH ROW
  EXECUTE FUNCTION mirror_marks_project();
CREATE TRIGGER "project_mirrored_notify" AFTER UPDATE OF "mirrored" ON "project" EXECUTE FUNCTION notify_access();

-- A mirror stays that of its project.
CREATE FUNCTION mirror_project_pinned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a mirror stays that of its project: remove it and make another' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER "mirror_project_pinned" BEFORE UPDATE ON "mirror" FOR EACH ROW
  WHEN (OLD."project_id" IS DISTINCT FROM NEW."project_id") EXECUTE FUNCTION mirror_project_pinned();

-- gokura_mirror: a look is wanted sooner than it was.
CREATE FUNCTION notify_mirror() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('gokura_mirror', NEW."id"::text);
  RETURN NULL;
END $$;
CREATE TRIGGER "mirror_notify" AFTER INSERT ON "mirror" FOR EACH ROW EXECUTE FUNCTION notify_mirror();
CREATE TRIGGER "mirror_sooner_notify" AFTER UPDATE ON "mirror" FOR EACH ROW
  WHEN (NEW."next_look_at" < OLD."next_look_at" OR NEW."enabled" AND NOT OLD."enabled") EXECUTE FUNCTION notify_mirror();

-- A project without branches and tags has no repository yet whose objects were named by the one hash or the other: what it
-- is to follow decides.
CREATE OR REPLACE FUNCTION project_object_format_pinned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM "ref" WHERE "project_id" = NEW."id")
     AND EXISTS (SELECT 1 FROM "mirror" WHERE "project_id" = NEW."id") THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the object format of a project is pinned: its repository is made of it' USING ERRCODE = 'restrict_violation';
END $$;

ALTER TABLE "mirror" ADD CONSTRAINT "mirror_url" CHECK ("url" ~ '^(https|ssh)://[^/[:space:]]+/[^[:space:]]+$' );
ALTER TABLE "mirror" ADD CONSTRAINT "mirror_interval" CHECK ("interval_seconds" BETWEEN 10 AND 604800);
