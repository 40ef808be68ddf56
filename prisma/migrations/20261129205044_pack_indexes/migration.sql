-- AlterTable
ALTER TABLE "repository_pack" ADD COLUMN     "index_digest" TEXT;

-- CreateIndex
CREATE INDEX "repository_pack_index_digest_idx" ON "repository_pack"("index_digest");
