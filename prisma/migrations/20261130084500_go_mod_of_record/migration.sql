-- A go.mod from upstream comes before its zip. That it is another one than the checksum log has under the name was found out
-- only when the zip came (trigger module_version_record), and the go.mod was served until then.
CREATE FUNCTION record_holds_go_mod() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  logged "sum_record"%ROWTYPE;
BEGIN
  SELECT r.* INTO logged FROM "module" m JOIN "sum_record" r ON r."path" = m."path"
    WHERE m."id" = NEW."module_id" AND r."version" = NEW."version";
  IF FOUND AND NEW."go_mod_h1" <> 'h1:' || encode(logged."go_mod_h1", 'base64') THEN
    RAISE EXCEPTION '% % is in the checksum log with other sums: its name is never given to other content',
      logged."path", logged."version" USING ERRCODE = 'restrict_violation', CONSTRAINT = 'record_holds';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "module_version_go_mod_record" BEFORE INSERT OR UPDATE OF "go_mod_h1" ON "module_version" FOR EACH ROW
  WHEN (NEW."go_mod_h1" IS NOT NULL AND NEW."h1" IS NULL AND NEW."commit" IS NULL) EXECUTE FUNCTION record_holds_go_mod();
