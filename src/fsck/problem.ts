// What fsck finds: one thing that is promised and not so.

/** Which promise is broken. */
export type Fault =
  | "zip_missing"
  | "zip_damaged"
  | "go_mod_damaged"
  | "commit_missing"
  | "out_of_order"
  | "taken_back"
  | "repository_missing"
  | "repository_damaged"
  | "pack_missing"
  | "ref_differs"
  | "checksum_log";

export interface Problem {
  readonly fault: Fault;
  /** The version, project or log that it is about. */
  readonly about: string;
  /** A sentence. */
  readonly says: string;
  /** Whether it is as promised again. */
  readonly repaired: boolean;
}

/** What becomes of a fault of each kind that fsck does not repair. */
export const REMEDIES: Readonly<Record<Fault, string>> = {
  zip_missing: "take the file from a backup of blobs/; of a version that was made of a commit --repair makes it again",
  zip_damaged: "take the file from a backup of blobs/; of a version that was made of a commit --repair makes it again",
  go_mod_damaged: "the database was changed by hand or is damaged: restore it from a backup",
  commit_missing: "take the repository from a backup, or push the commit again; the version stays served by its zip",
  out_of_order: "the row was written by hand: restore it from a backup",
  taken_back: "take it back again (gokura project unpublish)",
  repository_missing: "take it from a backup, or push again from a clone",
  repository_damaged: "take it from a backup, or push again from a clone",
  pack_missing:
    "take pack/ from a backup of the bucket; or have the server lead that has the repository, and push to it once",
  ref_differs:
    "restore database and repositories of one and the same moment; where the repository is the newer of the two --repair records what it has",
  checksum_log: "see docs/checksums.md, after a restore",
};
