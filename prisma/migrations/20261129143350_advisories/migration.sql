-- CreateTable
CREATE TABLE "advisory" (
    "id" TEXT NOT NULL,
    "modified" TIMESTAMPTZ(0) NOT NULL,
    "withdrawn_at" TIMESTAMPTZ(0),
    "project_id" INTEGER,
    "body" TEXT NOT NULL,
    "created_by" TEXT,

    CONSTRAINT "advisory_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "advisory_module" (
    "advisory_id" TEXT NOT NULL,
    "path" TEXT NOT NULL,

    CONSTRAINT "advisory_module_pkey" PRIMARY KEY ("advisory_id","path")
);

-- CreateTable
CREATE TABLE "vuln_database" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "modified" TIMESTAMPTZ(0) NOT NULL,
    "modules" TEXT NOT NULL,
    "vulns" TEXT NOT NULL,
    "checked_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "vuln_database_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "advisory_project_id_idx" ON "advisory"("project_id");

-- CreateIndex
CREATE INDEX "advisory_module_path_idx" ON "advisory_module"("path");

-- AddForeignKey
ALTER TABLE "advisory" ADD CONSTRAINT "advisory_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "advisory_module" ADD CONSTRAINT "advisory_module_advisory_id_fkey" FOREIGN KEY ("advisory_id") REFERENCES "advisory"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand: what may be had depends on it.
CREATE TRIGGER "advisory_notify" AFTER INSERT OR UPDATE OR DELETE ON "advisory" FOR EACH ROW EXECUTE FUNCTION notify_policies();
CREATE TRIGGER "vuln_database_notify" AFTER INSERT OR UPDATE OF "modified" OR DELETE ON "vuln_database" FOR EACH ROW EXECUTE FUNCTION notify_policies();
