-- AlterEnum
ALTER TYPE "TokenScope" ADD VALUE 'read_checksum_log';

-- CreateTable
CREATE TABLE "proved_sum" (
    "path" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "h1" BYTEA NOT NULL,
    "go_mod_h1" BYTEA NOT NULL,
    "database" TEXT NOT NULL,
    "record_id" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "proved_sum_pkey" PRIMARY KEY ("path","version")
);

-- CreateTable
CREATE TABLE "trusted_head" (
    "verifier_key" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "note" BYTEA NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "trusted_head_pkey" PRIMARY KEY ("verifier_key")
);

-- CreateTable
CREATE TABLE "sum_misbehaviour" (
    "id" SERIAL NOT NULL,
    "verifier_key" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "older" BYTEA,
    "newer" BYTEA NOT NULL,
    "found" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "decided_at" TIMESTAMPTZ(3),
    "decided_by" TEXT,

    CONSTRAINT "sum_misbehaviour_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sum_checkpoint" (
    "name" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "note" BYTEA NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sum_checkpoint_pkey" PRIMARY KEY ("name")
);

-- What Prisma's language cannot say.
ALTER TABLE "proved_sum" ALTER COLUMN "path" TYPE TEXT COLLATE "C";
ALTER TABLE "proved_sum" ALTER COLUMN "version" TYPE TEXT COLLATE "C";
ALTER TABLE "proved_sum" ADD CONSTRAINT "proved_sum_sums" CHECK (length("h1") = 32 AND length("go_mod_h1") = 32 AND "record_id" >= 0);
-- One undecided proof is enough to believe nothing.
CREATE UNIQUE INDEX "sum_misbehaviour_undecided" ON "sum_misbehaviour"("verifier_key") WHERE "decided_at" IS NULL;

-- What was proved stays as it was proved; an administrator may have it asked for again.
CREATE TRIGGER "proved_sum_pinned" BEFORE UPDATE ON "proved_sum" FOR EACH ROW EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "trusted_head_grows" BEFORE UPDATE ON "trusted_head" FOR EACH ROW
  WHEN (NEW."verifier_key" <> OLD."verifier_key" OR NEW."size" < OLD."size") EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "sum_misbehaviour_pinned" BEFORE UPDATE ON "sum_misbehaviour" FOR EACH ROW
  WHEN (OLD."decided_at" IS NOT NULL
    OR (NEW."id", NEW."verifier_key", NEW."reason", NEW."older", NEW."newer", NEW."found", NEW."at")
      IS DISTINCT FROM (OLD."id", OLD."verifier_key", OLD."reason", OLD."older", OLD."newer", OLD."found", OLD."at"))
  EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "sum_misbehaviour_kept" BEFORE DELETE ON "sum_misbehaviour" FOR EACH ROW EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "sum_misbehaviour_not_truncated" BEFORE TRUNCATE ON "sum_misbehaviour" EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "sum_checkpoint_grows" BEFORE UPDATE ON "sum_checkpoint" FOR EACH ROW
  WHEN (NEW."name" <> OLD."name" OR NEW."size" < OLD."size") EXECUTE FUNCTION is_pinned();

-- gokura_content is told "upstream PATH deleted" when what is stored under a name is not what was proved: it is served no
-- more, from memory either.
CREATE FUNCTION proved_otherwise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM "module_version" v JOIN "module" m ON m."id" = v."module_id"
      WHERE m."path" = NEW."path" AND m."origin" = 'UPSTREAM' AND v."version" = NEW."version"
        AND (v."h1" <> 'h1:' || encode(NEW."h1", 'base64') OR v."go_mod_h1" <> 'h1:' || encode(NEW."go_mod_h1", 'base64'))) THEN
    PERFORM pg_notify('gokura_content', 'upstream ' || NEW."path" || ' deleted');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER "proved_sum_notice" AFTER INSERT ON "proved_sum" FOR EACH ROW EXECUTE FUNCTION proved_otherwise();
