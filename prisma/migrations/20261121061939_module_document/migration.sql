-- CreateTable
CREATE TABLE "module_document" (
    "module_id" INTEGER NOT NULL,
    "version_id" INTEGER NOT NULL,
    "readme_path" TEXT,
    "readme" TEXT,
    "readme_truncated" BOOLEAN NOT NULL DEFAULT false,
    "licenses" TEXT[],
    "license_files" JSONB NOT NULL DEFAULT '[]',
    "go_version" TEXT,
    "described_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "module_document_pkey" PRIMARY KEY ("module_id")
);

-- CreateIndex
CREATE UNIQUE INDEX "module_document_version_id_key" ON "module_document"("version_id");

-- AddForeignKey
ALTER TABLE "module_document" ADD CONSTRAINT "module_document_module_id_fkey" FOREIGN KEY ("module_id") REFERENCES "module"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "module_document" ADD CONSTRAINT "module_document_version_id_fkey" FOREIGN KEY ("version_id") REFERENCES "module_version"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand from here on: what Prisma's language cannot say.

ALTER TABLE "module_document" ADD CONSTRAINT "readme_with_path" CHECK (("readme_path" IS NULL) = ("readme" IS NULL));
-- What a search reads is bounded: 64 KiB of text, by the job that writes it and by every other hand.
ALTER TABLE "module_document" ADD CONSTRAINT "readme_bounded" CHECK (octet_length("readme") <= 65536);
