-- By hand: the numbers are part of the index, so that pages by name are read off it without touching the table.
-- DropIndex
DROP INDEX "module_version_package_of_package_name_sort_key_idx";

-- CreateIndex
CREATE INDEX "module_version_package_of_package_name_sort_key_id_idx" ON "module_version"("package_of", "package_name", "sort_key", "id");
