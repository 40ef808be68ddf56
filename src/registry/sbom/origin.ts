// What a bill of materials says of itself, whatever its format.

/** Where and when a bill of materials was made. */
export interface SbomOrigin {
  /** The address of this registry, without a slash at the end. */
  readonly base: string;
  /** A UUID: no two bills are the same one. */
  readonly id: string;
  readonly at: Date;
}
