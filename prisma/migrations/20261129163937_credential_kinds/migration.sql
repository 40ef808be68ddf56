-- CreateEnum
CREATE TYPE "CredentialKind" AS ENUM ('PASSWORD', 'DEPLOY_KEY', 'GITHUB_APP');

-- AlterTable
ALTER TABLE "credential" ADD COLUMN     "app_id" TEXT,
ADD COLUMN     "host_key" TEXT,
ADD COLUMN     "installation_id" TEXT,
ADD COLUMN     "kind" "CredentialKind" NOT NULL DEFAULT 'PASSWORD',
ADD COLUMN     "public_key" TEXT;

-- By hand: what each kind has.
ALTER TABLE "credential" ADD CONSTRAINT "credential_kind_check" CHECK (
  ("kind" = 'DEPLOY_KEY') = ("public_key" IS NOT NULL)
  AND ("kind" = 'DEPLOY_KEY' OR "host_key" IS NULL)
  AND ("kind" = 'GITHUB_APP') = ("app_id" IS NOT NULL AND "installation_id" IS NOT NULL));
