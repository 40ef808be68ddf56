// Where git keeps branches and tags among its refs (gitglossary, "ref").

/** What the full name of a tag begins with. */
export const TAGS = "refs/tags/";

/** What the full name of a branch begins with. */
export const BRANCHES = "refs/heads/";
