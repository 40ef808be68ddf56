-- CreateTable
CREATE TABLE "web_session" (
    "id" SERIAL NOT NULL,
    "token_id" INTEGER NOT NULL,
    "digest" TEXT NOT NULL,
    "browser" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "web_session_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "web_session_digest_key" ON "web_session"("digest");

-- CreateIndex
CREATE INDEX "web_session_token_id_idx" ON "web_session"("token_id");

-- AddForeignKey
ALTER TABLE "web_session" ADD CONSTRAINT "web_session_token_id_fkey" FOREIGN KEY ("token_id") REFERENCES "token"("id") ON DELETE CASCADE ON UPDATE CASCADE;
