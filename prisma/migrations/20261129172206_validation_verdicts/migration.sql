-- CreateTable
CREATE TABLE "validation_verdict" (
    "module_path" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "revision" TEXT NOT NULL,
    "valid" BOOLEAN NOT NULL,
    "reason" TEXT NOT NULL,
    "valid_until" TIMESTAMPTZ(3),
    "asked_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "validation_verdict_pkey" PRIMARY KEY ("module_path","version")
);
