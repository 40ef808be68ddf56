-- CreateTable
CREATE TABLE "pushed_tag" (
    "project_id" INTEGER NOT NULL,
    "tag" TEXT NOT NULL,
    "commit" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "credential" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "pushed_tag_pkey" PRIMARY KEY ("project_id","tag","commit")
);

CREATE TRIGGER "pushed_tag_pinned" BEFORE UPDATE OR DELETE ON "pushed_tag" FOR EACH ROW EXECUTE FUNCTION is_pinned();
CREATE TRIGGER "pushed_tag_not_truncated" BEFORE TRUNCATE ON "pushed_tag" EXECUTE FUNCTION is_pinned();

-- What the audit trail told until now of tags that made versions.
INSERT INTO "pushed_tag" ("project_id", "tag", "commit", "actor", "credential", "at")
SELECT p."id", substr(v."ref", 11), v."commit", a."actor", COALESCE(a."detail"->'by', '{}'), a."at"
FROM "module_version" v JOIN "module" m ON m."id" = v."module_id" JOIN "project" p ON p."id" = m."project_id"
CROSS JOIN LATERAL (
  SELECT "actor", "detail", "at" FROM "audit_event"
  WHERE "subject" = p."full_path" AND "action" = 'project.push' AND "detail"->'refs' @> to_jsonb(v."ref") ORDER BY "id" LIMIT 1
) a
WHERE v."ref" LIKE 'refs/tags/%' AND v."commit" IS NOT NULL
ON CONFLICT DO NOTHING;
