-- CreateIndex
CREATE INDEX "project_visibility_idx" ON "project"("visibility");
