-- CreateTable
CREATE TABLE "policy_impact" (
    "policy_id" INTEGER NOT NULL,
    "versions" INTEGER NOT NULL,
    "modules" INTEGER NOT NULL,
    "names" TEXT[],
    "revision" TEXT NOT NULL,
    "judged_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "policy_impact_pkey" PRIMARY KEY ("policy_id")
);

-- AddForeignKey
ALTER TABLE "policy_impact" ADD CONSTRAINT "policy_impact_policy_id_fkey" FOREIGN KEY ("policy_id") REFERENCES "policy"("id") ON DELETE CASCADE ON UPDATE CASCADE;
