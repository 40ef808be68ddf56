-- AlterTable
ALTER TABLE "tag_event" ADD COLUMN     "actor" TEXT;

-- CreateTable
CREATE TABLE "protected_tag" (
    "id" SERIAL NOT NULL,
    "project_id" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "create_access_level" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "protected_tag_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "protected_tag_project_id_name_key" ON "protected_tag"("project_id", "name");

-- AddForeignKey
ALTER TABLE "protected_tag" ADD CONSTRAINT "protected_tag_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;
