// Every key under which something is stored, in one place.

/** A module zip, by the SHA-256 of its bytes in hex: `zip/ab/abcdef…`. */
export function zipObjectKey(sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error(`not a SHA-256 in hex: ${sha256}`);
  return `zip/${sha256.slice(0, 2)}/${sha256}`;
}

/** The bare git repository of a project, below the data directory. By number, so that nothing moves when names change. */
export function repositoryKey(projectId: number): string {
  return `repositories/${projectId}.git`;
}
