-- What upstream answered to a branch or a tag that is no version, so that the name can be told when nobody can be asked.
ALTER TABLE "upstream_answer" DROP CONSTRAINT "known_kind",
  ADD CONSTRAINT "known_kind" CHECK ("kind" IN ('list', 'latest') OR "kind" LIKE 'query:_%');
