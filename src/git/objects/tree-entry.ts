// A tree object is the listing of one directory: `<mode in octal> <name> NUL <binary object id>` per entry, names as raw
// bytes without an encoding (gitformat-core, "tree objects"). Finding a name here, among bytes, cannot be fooled by
// characters that mean something to a command line or to a revision expression.

/** What a tree says an entry is. A gitlink is a commit of another repository (a submodule). */
export type EntryKind = "file" | "symlink" | "directory" | "gitlink";

export interface TreeEntry {
  readonly kind: EntryKind;
  readonly oid: string;
}

const SPACE = 0x20;

/** The entry with exactly this name, or undefined. `tree` is the content of a tree object with ids of `oidBytes` bytes. */
export function findTreeEntry(tree: Buffer, name: string, oidBytes: 20 | 32): TreeEntry | undefined {
  const wanted = Buffer.from(name, "utf8");
  for (let at = 0; at < tree.length; ) {
    const space = tree.indexOf(SPACE, at);
    const end = space < 0 ? -1 : tree.indexOf(0, space);
    if (end < 0) return undefined; // not a tree
    if (end - space - 1 === wanted.length && tree.compare(wanted, 0, wanted.length, space + 1, end) === 0) {
      const mode = Number.parseInt(tree.toString("latin1", at, space), 8);
      return { kind: entryKind(mode), oid: tree.toString("hex", end + 1, end + 1 + oidBytes) };
    }
    at = end + 1 + oidBytes;
  }
  return undefined;
}

/** The kind that a mode (as in `ls-tree` and tree objects) stands for. */
export function entryKind(mode: number): EntryKind {
  switch (mode & 0o170000) {
    case 0o040000:
      return "directory";
    case 0o120000:
      return "symlink";
    case 0o160000:
      return "gitlink";
    default:
      return "file";
  }
}
