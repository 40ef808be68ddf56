-- CreateIndex
CREATE INDEX "documented_package_name_idx" ON "documented_package"("name");
