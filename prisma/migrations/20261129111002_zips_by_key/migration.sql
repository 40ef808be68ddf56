-- CreateIndex
CREATE INDEX "module_version_zip_key_idx" ON "module_version"("zip_key");
