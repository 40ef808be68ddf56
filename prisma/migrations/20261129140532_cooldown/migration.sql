-- AlterTable
ALTER TABLE "policy" ADD COLUMN     "minimum_age" INTEGER,
ADD COLUMN     "strict" BOOLEAN NOT NULL DEFAULT false;

-- CreateTable
CREATE TABLE "version_sight" (
    "module_path" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,
    "record_id" BIGINT,
    "asked_at" TIMESTAMPTZ(3),

    CONSTRAINT "version_sight_pkey" PRIMARY KEY ("module_path","version")
);

-- CreateTable
CREATE TABLE "seen_head" (
    "verifier_key" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "seen_head_pkey" PRIMARY KEY ("verifier_key","size")
);

-- By hand: an age is of a HOLD of what comes from upstream.
ALTER TABLE "policy" ADD CONSTRAINT "policy_minimum_age_check"
  CHECK ("minimum_age" IS NULL OR ("minimum_age" > 0 AND "action" = 'HOLD' AND "kind" = 'UPSTREAM'));
