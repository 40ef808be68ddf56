-- CreateTable
CREATE TABLE "server_lease" (
    "term" BIGINT NOT NULL,
    "holder" TEXT,
    "url" TEXT,
    "certificate" TEXT,
    "key" BYTEA,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "server_lease_pkey" PRIMARY KEY ("term")
);

-- One row, and the term only grows.
CREATE UNIQUE INDEX "server_lease_one" ON "server_lease" ((true));
INSERT INTO "server_lease" ("term", "expires_at") VALUES (0, '-infinity');
