-- By hand: what the planner is to think of paths that are required. Most are required by few and some by nearly everybody, so
-- the average says the wrong thing of those that are asked for most: expecting eight rows, it would fetch and sort all of
-- seven thousand for a page of twenty. With few paths it expects many rows, and walks the index to the end of the page
-- (PostgreSQL documentation, ALTER TABLE, "n_distinct").
ALTER TABLE "module_dependency" ALTER COLUMN "path" SET (n_distinct = 50);
ALTER TABLE "requirement" ALTER COLUMN "path" SET (n_distinct = 50);
ANALYZE "module_dependency";
ANALYZE "requirement";
