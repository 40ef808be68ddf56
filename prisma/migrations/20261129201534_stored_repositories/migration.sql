-- CreateTable
CREATE TABLE "repository_pack" (
    "project_id" INTEGER NOT NULL,
    "digest" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "size" BIGINT NOT NULL,

    CONSTRAINT "repository_pack_pkey" PRIMARY KEY ("project_id","digest")
);

-- CreateTable
CREATE TABLE "stored_repository" (
    "project_id" INTEGER NOT NULL,
    "generation" BIGINT NOT NULL,

    CONSTRAINT "stored_repository_pkey" PRIMARY KEY ("project_id")
);

-- CreateIndex
CREATE INDEX "repository_pack_digest_idx" ON "repository_pack"("digest");

-- AddForeignKey
ALTER TABLE "repository_pack" ADD CONSTRAINT "repository_pack_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "stored_repository" ADD CONSTRAINT "stored_repository_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;
