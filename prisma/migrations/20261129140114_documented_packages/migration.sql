-- CreateTable
CREATE TABLE "documented_version" (
    "version_id" INTEGER NOT NULL,
    "format" INTEGER NOT NULL,
    "whole" BOOLEAN NOT NULL DEFAULT false,
    "left_out" INTEGER NOT NULL DEFAULT 0,
    "documented_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "documented_version_pkey" PRIMARY KEY ("version_id")
);

-- CreateTable
CREATE TABLE "documented_package" (
    "version_id" INTEGER NOT NULL,
    "directory" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "synopsis" TEXT NOT NULL,
    "imports" TEXT[],
    "words" TEXT[],
    "content" BYTEA NOT NULL,

    CONSTRAINT "documented_package_pkey" PRIMARY KEY ("version_id","directory")
);

-- CreateIndex
CREATE INDEX "documented_package_imports_idx" ON "documented_package" USING GIN ("imports");

-- CreateIndex
CREATE INDEX "documented_package_words_idx" ON "documented_package" USING GIN ("words");

-- AddForeignKey
ALTER TABLE "documented_version" ADD CONSTRAINT "documented_version_version_id_fkey" FOREIGN KEY ("version_id") REFERENCES "module_version"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "documented_package" ADD CONSTRAINT "documented_package_version_id_fkey" FOREIGN KEY ("version_id") REFERENCES "documented_version"("version_id") ON DELETE CASCADE ON UPDATE CASCADE;
