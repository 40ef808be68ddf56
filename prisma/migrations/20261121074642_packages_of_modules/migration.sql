-- CreateIndex
CREATE INDEX "module_version_module_id_package_of_created_at_id_idx" ON "module_version"("module_id", "package_of", "created_at", "id");
