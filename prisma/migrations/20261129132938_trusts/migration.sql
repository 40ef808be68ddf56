-- CreateTable
CREATE TABLE "trust" (
    "id" SERIAL NOT NULL,
    "project_id" INTEGER,
    "group_id" INTEGER,
    "issuer" TEXT NOT NULL,
    "audience" TEXT NOT NULL,
    "claims" JSONB NOT NULL,
    "scopes" "TokenScope"[],
    "expires_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "trust_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "trust_issuer_idx" ON "trust"("issuer");

-- CreateIndex
CREATE INDEX "trust_project_id_idx" ON "trust"("project_id");

-- CreateIndex
CREATE INDEX "trust_group_id_idx" ON "trust"("group_id");

-- AddForeignKey
ALTER TABLE "trust" ADD CONSTRAINT "trust_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "trust" ADD CONSTRAINT "trust_group_id_fkey" FOREIGN KEY ("group_id") REFERENCES "group"("id") ON DELETE CASCADE ON UPDATE CASCADE;
-- A trust is of a project or of a group, never of both, and asks for at least one claim: an issuer has many customers.
ALTER TABLE "trust" ADD CONSTRAINT "trust_of_one" CHECK (num_nonnulls("project_id", "group_id") = 1);
ALTER TABLE "trust" ADD CONSTRAINT "trust_asks_for_claims" CHECK (jsonb_typeof("claims") = 'object' AND "claims" <> '{}');

-- Who is trusted is told to the servers like all else about access.
CREATE TRIGGER "trust_notify" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "trust" EXECUTE FUNCTION notify_access();
