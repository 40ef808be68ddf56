-- CreateTable
CREATE TABLE "group_quota" (
    "group_id" INTEGER NOT NULL,
    "max_bytes" BIGINT,
    "max_projects" INTEGER,

    CONSTRAINT "group_quota_pkey" PRIMARY KEY ("group_id")
);

-- CreateTable
CREATE TABLE "repository_size" (
    "project_id" INTEGER NOT NULL,
    "bytes" BIGINT NOT NULL,

    CONSTRAINT "repository_size_pkey" PRIMARY KEY ("project_id")
);

-- AddForeignKey
ALTER TABLE "group_quota" ADD CONSTRAINT "group_quota_group_id_fkey" FOREIGN KEY ("group_id") REFERENCES "group"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "repository_size" ADD CONSTRAINT "repository_size_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "group_quota" ADD CONSTRAINT "quota_is_an_amount" CHECK ("max_bytes" >= 0 AND "max_projects" >= 0);
