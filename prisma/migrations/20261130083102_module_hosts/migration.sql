-- CreateTable
CREATE TABLE "module_host" (
    "host" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "module_host_pkey" PRIMARY KEY ("host")
);
-- Servers with the same database forget what they remember of whose a name is (AccessMemory).
CREATE TRIGGER "module_host_notify" AFTER INSERT OR DELETE ON "module_host" FOR EACH ROW EXECUTE FUNCTION notify_access();

-- Which hosts there were nobody wrote down. Two can be told: the host without any setting, and the one of the first start, which
-- stands in the address that it gave the administrator. Each counts if something was published below it.
INSERT INTO "module_host" ("host", "since")
SELECT h."host", min(h."since") FROM (
  SELECT 'gokura.localhost', 'epoch'::timestamptz
  UNION ALL SELECT split_part("email", '@', 2), "created_at" FROM "user" WHERE "username" = 'root' AND "email" <> ''
) AS h ("host", "since")
WHERE EXISTS (
  SELECT FROM "module" m JOIN "project" p ON p."id" = m."project_id"
  WHERE starts_with(m."path" || '/', h."host" || '/' || p."full_path" || '/')
)
GROUP BY h."host";
