-- CreateEnum
CREATE TYPE "Visibility" AS ENUM ('PRIVATE', 'INTERNAL', 'PUBLIC');

-- CreateEnum
CREATE TYPE "TokenKind" AS ENUM ('PERSONAL', 'DEPLOY');

-- CreateEnum
CREATE TYPE "TokenScope" AS ENUM ('api', 'read_api', 'read_user', 'read_repository', 'write_repository', 'read_package_registry', 'write_package_registry');

-- CreateEnum
CREATE TYPE "TagScheme" AS ENUM ('GO', 'GITLAB');

-- CreateEnum
CREATE TYPE "ModuleOrigin" AS ENUM ('HOSTED');

-- CreateEnum
CREATE TYPE "VersionKind" AS ENUM ('RELEASE', 'PRERELEASE', 'PSEUDO', 'INCOMPATIBLE');

-- CreateEnum
CREATE TYPE "TagEventKind" AS ENUM ('MOVED', 'DELETED');

-- CreateTable
CREATE TABLE "user" (
    "id" SERIAL NOT NULL,
    "username" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "email" TEXT,
    "admin" BOOLEAN NOT NULL DEFAULT false,
    "blocked_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "user_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "token" (
    "id" SERIAL NOT NULL,
    "kind" "TokenKind" NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "user_id" INTEGER,
    "project_id" INTEGER,
    "username" TEXT,
    "scopes" "TokenScope"[],
    "digest" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "token_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "group" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "full_path" TEXT NOT NULL,
    "parent_id" INTEGER,
    "user_id" INTEGER,
    "traversal_ids" INTEGER[],
    "visibility" "Visibility" NOT NULL DEFAULT 'PRIVATE',
    "description" TEXT NOT NULL DEFAULT '',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "group_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "project" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "full_path" TEXT NOT NULL,
    "group_id" INTEGER NOT NULL,
    "visibility" "Visibility" NOT NULL DEFAULT 'PRIVATE',
    "description" TEXT NOT NULL DEFAULT '',
    "packages_enabled" BOOLEAN NOT NULL DEFAULT true,
    "tag_scheme" "TagScheme" NOT NULL DEFAULT 'GO',
    "module_prefix" TEXT,
    "creator_id" INTEGER,
    "push_started_at" TIMESTAMPTZ(3),
    "last_activity_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "project_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "route" (
    "key" TEXT NOT NULL,
    "group_id" INTEGER,
    "project_id" INTEGER,

    CONSTRAINT "route_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "member" (
    "id" SERIAL NOT NULL,
    "user_id" INTEGER NOT NULL,
    "group_id" INTEGER,
    "project_id" INTEGER,
    "access_level" INTEGER NOT NULL,
    "expires_at" DATE,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "member_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "feature_flag" (
    "name" TEXT NOT NULL,
    "enabled" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "feature_flag_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "feature_gate" (
    "id" SERIAL NOT NULL,
    "flag_name" TEXT NOT NULL,
    "project_id" INTEGER,
    "group_id" INTEGER,
    "user_id" INTEGER,

    CONSTRAINT "feature_gate_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ref" (
    "project_id" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "oid" TEXT NOT NULL,
    "peeled" TEXT NOT NULL,
    "indexed" BOOLEAN NOT NULL DEFAULT false,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ref_pkey" PRIMARY KEY ("project_id","name")
);

-- CreateTable
CREATE TABLE "tag_event" (
    "id" SERIAL NOT NULL,
    "project_id" INTEGER NOT NULL,
    "tag" TEXT NOT NULL,
    "kind" "TagEventKind" NOT NULL,
    "old_commit" TEXT NOT NULL,
    "new_commit" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tag_event_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "rejected_tag" (
    "id" SERIAL NOT NULL,
    "project_id" INTEGER NOT NULL,
    "tag" TEXT NOT NULL,
    "module_path" TEXT,
    "version" TEXT,
    "reason" TEXT NOT NULL,
    "listed" BOOLEAN NOT NULL DEFAULT false,
    "has_go_mod" BOOLEAN NOT NULL DEFAULT false,
    "silent" BOOLEAN NOT NULL DEFAULT false,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "rejected_tag_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "module" (
    "id" SERIAL NOT NULL,
    "path" TEXT NOT NULL,
    "project_id" INTEGER NOT NULL,
    "origin" "ModuleOrigin" NOT NULL DEFAULT 'HOSTED',
    "deprecated" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "module_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "module_version" (
    "id" SERIAL NOT NULL,
    "module_id" INTEGER NOT NULL,
    "version" TEXT NOT NULL,
    "sort_key" TEXT NOT NULL,
    "kind" "VersionKind" NOT NULL,
    "time" TIMESTAMPTZ(0) NOT NULL,
    "commit" TEXT NOT NULL,
    "ref" TEXT,
    "directory" TEXT NOT NULL DEFAULT '',
    "go_mod" BYTEA NOT NULL,
    "go_mod_h1" TEXT NOT NULL,
    "legacy" BOOLEAN NOT NULL DEFAULT false,
    "h1" TEXT,
    "zip_key" TEXT,
    "zip_size" BIGINT,
    "retracted" BOOLEAN NOT NULL DEFAULT false,
    "retract_rationale" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "module_version_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "requirement" (
    "version_id" INTEGER NOT NULL,
    "path" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "indirect" BOOLEAN NOT NULL,

    CONSTRAINT "requirement_pkey" PRIMARY KEY ("version_id","path","version")
);

-- CreateTable
CREATE TABLE "tombstone" (
    "module_path" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "commit" TEXT NOT NULL,
    "go_mod_h1" TEXT NOT NULL,
    "h1" TEXT,
    "reason" TEXT NOT NULL,
    "returnable" BOOLEAN NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tombstone_pkey" PRIMARY KEY ("module_path","version")
);

-- CreateTable
CREATE TABLE "audit_event" (
    "id" SERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "detail" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "audit_event_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "user_email_key" ON "user"("email");

-- CreateIndex
CREATE UNIQUE INDEX "token_digest_key" ON "token"("digest");

-- CreateIndex
CREATE INDEX "token_user_id_idx" ON "token"("user_id");

-- CreateIndex
CREATE INDEX "token_project_id_idx" ON "token"("project_id");

-- CreateIndex
CREATE UNIQUE INDEX "group_user_id_key" ON "group"("user_id");

-- CreateIndex
CREATE INDEX "group_traversal_ids_idx" ON "group" USING GIN ("traversal_ids");

-- CreateIndex
CREATE INDEX "group_parent_id_idx" ON "group"("parent_id");

-- CreateIndex
CREATE UNIQUE INDEX "project_module_prefix_key" ON "project"("module_prefix");

-- CreateIndex
CREATE INDEX "project_group_id_idx" ON "project"("group_id");

-- CreateIndex
CREATE UNIQUE INDEX "route_group_id_key" ON "route"("group_id");

-- CreateIndex
CREATE UNIQUE INDEX "route_project_id_key" ON "route"("project_id");

-- CreateIndex
CREATE INDEX "member_group_id_idx" ON "member"("group_id");

-- CreateIndex
CREATE INDEX "member_project_id_idx" ON "member"("project_id");

-- CreateIndex
CREATE UNIQUE INDEX "member_user_id_group_id_key" ON "member"("user_id", "group_id");

-- CreateIndex
CREATE UNIQUE INDEX "member_user_id_project_id_key" ON "member"("user_id", "project_id");

-- CreateIndex
CREATE INDEX "feature_gate_project_id_idx" ON "feature_gate"("project_id");

-- CreateIndex
CREATE INDEX "feature_gate_group_id_idx" ON "feature_gate"("group_id");

-- CreateIndex
CREATE INDEX "feature_gate_user_id_idx" ON "feature_gate"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "feature_gate_flag_name_project_id_key" ON "feature_gate"("flag_name", "project_id");

-- CreateIndex
CREATE UNIQUE INDEX "feature_gate_flag_name_group_id_key" ON "feature_gate"("flag_name", "group_id");

-- CreateIndex
CREATE UNIQUE INDEX "feature_gate_flag_name_user_id_key" ON "feature_gate"("flag_name", "user_id");

-- CreateIndex
CREATE INDEX "tag_event_project_id_id_idx" ON "tag_event"("project_id", "id");

-- CreateIndex
CREATE INDEX "rejected_tag_project_id_tag_idx" ON "rejected_tag"("project_id", "tag");

-- CreateIndex
CREATE INDEX "rejected_tag_module_path_idx" ON "rejected_tag"("module_path");

-- CreateIndex
CREATE UNIQUE INDEX "module_path_key" ON "module"("path");

-- CreateIndex
CREATE INDEX "module_project_id_path_idx" ON "module"("project_id", "path");

-- CreateIndex
CREATE INDEX "module_version_module_id_sort_key_idx" ON "module_version"("module_id", "sort_key");

-- CreateIndex
CREATE UNIQUE INDEX "module_version_module_id_version_key" ON "module_version"("module_id", "version");

-- CreateIndex
CREATE INDEX "audit_event_at_idx" ON "audit_event"("at");

-- AddForeignKey
ALTER TABLE "token" ADD CONSTRAINT "token_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "token" ADD CONSTRAINT "token_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "group" ADD CONSTRAINT "group_parent_id_fkey" FOREIGN KEY ("parent_id") REFERENCES "group"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "group" ADD CONSTRAINT "group_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "project" ADD CONSTRAINT "project_group_id_fkey" FOREIGN KEY ("group_id") REFERENCES "group"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "route" ADD CONSTRAINT "route_group_id_fkey" FOREIGN KEY ("group_id") REFERENCES "group"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "route" ADD CONSTRAINT "route_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "member" ADD CONSTRAINT "member_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "member" ADD CONSTRAINT "member_group_id_fkey" FOREIGN KEY ("group_id") REFERENCES "group"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "member" ADD CONSTRAINT "member_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "feature_gate" ADD CONSTRAINT "feature_gate_flag_name_fkey" FOREIGN KEY ("flag_name") REFERENCES "feature_flag"("name") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "feature_gate" ADD CONSTRAINT "feature_gate_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "feature_gate" ADD CONSTRAINT "feature_gate_group_id_fkey" FOREIGN KEY ("group_id") REFERENCES "group"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "feature_gate" ADD CONSTRAINT "feature_gate_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ref" ADD CONSTRAINT "ref_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "rejected_tag" ADD CONSTRAINT "rejected_tag_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "module" ADD CONSTRAINT "module_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "module_version" ADD CONSTRAINT "module_version_module_id_fkey" FOREIGN KEY ("module_id") REFERENCES "module"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "requirement" ADD CONSTRAINT "requirement_version_id_fkey" FOREIGN KEY ("version_id") REFERENCES "module_version"("id") ON DELETE CASCADE ON UPDATE CASCADE;
