-- DropIndex
DROP INDEX "module_download_day_day_module_id_count_idx";

-- DropIndex
DROP INDEX "module_download_span_days_start_module_id_count_idx";

-- CreateIndex
CREATE INDEX "module_download_day_day_count_module_id_idx" ON "module_download_day"("day", "count" DESC, "module_id");

-- CreateIndex
CREATE INDEX "module_download_span_days_start_count_module_id_idx" ON "module_download_span"("days", "start", "count" DESC, "module_id");
