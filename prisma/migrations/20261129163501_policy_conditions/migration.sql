-- CreateEnum
CREATE TYPE "PolicyVulnerable" AS ENUM ('ANY', 'FIXABLE');

-- AlterTable
ALTER TABLE "policy" ADD COLUMN     "licenses" TEXT[] DEFAULT ARRAY[]::TEXT[],
ADD COLUMN     "licenses_other_than" TEXT[] DEFAULT ARRAY[]::TEXT[],
ADD COLUMN     "vulnerable" "PolicyVulnerable";

-- CreateTable
CREATE TABLE "version_license" (
    "version_id" INTEGER NOT NULL,
    "licenses" TEXT[],

    CONSTRAINT "version_license_pkey" PRIMARY KEY ("version_id")
);

-- AddForeignKey
ALTER TABLE "version_license" ADD CONSTRAINT "version_license_version_id_fkey" FOREIGN KEY ("version_id") REFERENCES "module_version"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand: what an administrator may write in Prisma Studio too.
ALTER TABLE "policy" ALTER COLUMN "licenses" SET NOT NULL, ALTER COLUMN "licenses_other_than" SET NOT NULL;
ALTER TABLE "version_license" ALTER COLUMN "licenses" SET NOT NULL;
ALTER TABLE "policy" ADD CONSTRAINT "policy_licenses_check"
  CHECK (("licenses" = '{}' AND "licenses_other_than" = '{}') OR ("kind" = 'UPSTREAM' AND "minimum_age" IS NULL AND ("licenses" = '{}' OR "licenses_other_than" = '{}')));
ALTER TABLE "policy" ADD CONSTRAINT "policy_vulnerable_check"
  CHECK ("vulnerable" IS NULL OR ("kind" <> 'TOOLCHAIN' AND "minimum_age" IS NULL));
