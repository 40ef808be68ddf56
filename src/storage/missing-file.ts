// A file that is not there is often no trouble: others remove, move and tidy, and what was to go is gone.

/** For `catch` of a file operation: lets an error pass that says that a file is not there; throws every other. */
export function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
