-- CreateTable
CREATE TABLE "hook" (
    "id" SERIAL NOT NULL,
    "project_id" INTEGER,
    "group_id" INTEGER,
    "url" TEXT NOT NULL,
    "name" TEXT NOT NULL DEFAULT '',
    "description" TEXT NOT NULL DEFAULT '',
    "events" TEXT[],
    "token" TEXT,
    "signing_key" TEXT NOT NULL,
    "failing_since" TIMESTAMPTZ(3),
    "disabled_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "hook_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "hook_delivery" (
    "id" SERIAL NOT NULL,
    "hook_id" INTEGER NOT NULL,
    "message_id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "event" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "attempted_at" TIMESTAMPTZ(3),
    "duration_ms" INTEGER,
    "status" INTEGER,
    "response" TEXT,
    "error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "hook_delivery_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "hook_project_id_idx" ON "hook"("project_id");

-- CreateIndex
CREATE INDEX "hook_group_id_idx" ON "hook"("group_id");

-- CreateIndex
CREATE INDEX "hook_delivery_hook_id_id_idx" ON "hook_delivery"("hook_id", "id");

-- CreateIndex
CREATE INDEX "hook_delivery_next_attempt_at_idx" ON "hook_delivery"("next_attempt_at");

-- AddForeignKey
ALTER TABLE "hook" ADD CONSTRAINT "hook_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "hook" ADD CONSTRAINT "hook_group_id_fkey" FOREIGN KEY ("group_id") REFERENCES "group"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "hook_delivery" ADD CONSTRAINT "hook_delivery_hook_id_fkey" FOREIGN KEY ("hook_id") REFERENCES "hook"("id") ON DELETE CASCADE ON UPDATE CASCADE;
-- A hook is of a project, of a group, or of the instance.
ALTER TABLE "hook" ADD CONSTRAINT "hook_of_one" CHECK (num_nonnulls("project_id", "group_id") <= 1);

-- gokura_hooks: something waits to be delivered.
CREATE FUNCTION notify_hooks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM added) THEN PERFORM pg_notify('gokura_hooks', ''); END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER "hook_delivery_notify" AFTER INSERT ON "hook_delivery"
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION notify_hooks();
