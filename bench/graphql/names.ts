// How the things of the seeded registry are called: the same rules in SQL, for the seed, and in TypeScript, for whoever asks.
// Even modules are hosted, two a project (the second in a sub-directory); every tenth project is in the group "huge".

export const WORDS = [
  ..."http json yaml log cache queue metric trace auth token store router parser client server proxy lock event".split(
    " ",
  ),
] as const;

const PROJECTS_PER_GROUP = 10;

const word = (n: number): string => WORDS[Math.floor(n) % WORDS.length]!;

/** The full path of a group; 0 is the huge one. */
const groupPath = (n: number): string => (n === 0 ? "huge" : `team-${n}`);

const groupOf = (project: number): number => (project % 10 === 0 ? 0 : 1 + Math.floor(project / PROJECTS_PER_GROUP));

/** The full path of a project. */
export const projectPath = (n: number): string => `${groupPath(groupOf(n))}/${word(n)}-${n}`;

/** The path of a module. */
export function modulePath(n: number): string {
  if (n % 2 === 1) return `example.com/${word(n / 7)}/${word(n)}${n}`;
  return `gokura.bench/${projectPath(Math.floor(n / 4))}${n % 4 === 0 ? "" : `/${word(n + 1)}`}`;
}

/** The same as functions of the database, for one session: pg_temp.word, group_of, group_path, project_path, module_path. */
export const NAMES_IN_SQL = `
  CREATE FUNCTION pg_temp.word(n int) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$ SELECT (ARRAY[${WORDS.map((each) => `'${each}'`)}])[1 + mod(n, ${WORDS.length})] $$;
  CREATE FUNCTION pg_temp.group_of(project int) RETURNS int IMMUTABLE LANGUAGE sql AS
    $$ SELECT CASE WHEN mod(project, 10) = 0 THEN 0 ELSE 1 + project / ${PROJECTS_PER_GROUP} END $$;
  CREATE FUNCTION pg_temp.group_path(n int) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$ SELECT CASE WHEN n = 0 THEN 'huge' ELSE 'team-' || n END $$;
  CREATE FUNCTION pg_temp.project_path(n int) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$ SELECT pg_temp.group_path(pg_temp.group_of(n)) || '/' || pg_temp.word(n) || '-' || n $$;
  CREATE FUNCTION pg_temp.module_path(n int) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT CASE
    WHEN mod(n, 2) = 1 THEN 'example.com/' || pg_temp.word(n / 7) || '/' || pg_temp.word(n) || n
    ELSE 'gokura.bench/' || pg_temp.project_path(n / 4) || CASE WHEN mod(n, 4) = 0 THEN '' ELSE '/' || pg_temp.word(n + 1) END
    END $$;`;

/** How many groups there are when there are so many projects, the huge one included. */
export const groupsFor = (projects: number): number => 1 + Math.ceil(projects / PROJECTS_PER_GROUP);
