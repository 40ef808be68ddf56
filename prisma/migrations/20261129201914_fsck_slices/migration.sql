-- CreateTable
CREATE TABLE "fsck_slice" (
    "id" BOOLEAN NOT NULL DEFAULT true,
    "version_after" INTEGER NOT NULL,
    "version_end" INTEGER NOT NULL,
    "project_after" INTEGER NOT NULL,
    "project_end" INTEGER NOT NULL,
    "next_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "fsck_slice_pkey" PRIMARY KEY ("id")
);

ALTER TABLE "fsck_slice" ADD CONSTRAINT "fsck_slice_one" CHECK ("id");
