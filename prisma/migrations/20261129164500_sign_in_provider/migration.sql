-- People may sign in by a provider of OpenID Connect: who they are there is an identity, and a session of the pages is made
-- with a token or with an identity.
CREATE TABLE "identity" (
    "id" SERIAL NOT NULL,
    "user_id" INTEGER NOT NULL,
    "issuer" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_sign_in_at" TIMESTAMPTZ(3),

    CONSTRAINT "identity_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "identity_issuer_subject_key" ON "identity"("issuer", "subject");
CREATE INDEX "identity_user_id_idx" ON "identity"("user_id");
ALTER TABLE "identity" ADD CONSTRAINT "identity_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "web_session" ALTER COLUMN "token_id" DROP NOT NULL,
    ADD COLUMN "identity_id" INTEGER,
    ADD COLUMN "id_token" TEXT,
    ADD CONSTRAINT "web_session_made_with" CHECK (num_nonnulls("token_id", "identity_id") = 1);
CREATE INDEX "web_session_identity_id_idx" ON "web_session"("identity_id");
ALTER TABLE "web_session" ADD CONSTRAINT "web_session_identity_id_fkey" FOREIGN KEY ("identity_id") REFERENCES "identity"("id") ON DELETE CASCADE ON UPDATE CASCADE;
