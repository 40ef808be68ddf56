-- A tombstone and a version of the same name may be made at once, each by a transaction that does not see the other's.
-- Whoever makes tombstones therefore locks their names, in one order, until it is done; whoever enters versions shares
-- these locks with others who do, and looks for tombstones afterwards (registry/versions/tombstones.ts). 256 locks stand
-- for all module paths: a project may have more modules than PostgreSQL has places for locks.
CREATE FUNCTION lock_buried_names() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7166804, place) FROM (
    SELECT DISTINCT hashtext("module_path") & 255 AS place FROM "buried" ORDER BY place) AS ordered;
  RETURN NULL;
END $$;
CREATE TRIGGER "tombstone_lock" AFTER INSERT ON "tombstone" REFERENCING NEW TABLE AS "buried"
  FOR EACH STATEMENT EXECUTE FUNCTION lock_buried_names();
