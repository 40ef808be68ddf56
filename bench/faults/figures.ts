// What a run of faults found out. All but the first three should be nothing.
export interface Figures {
  readonly fault: string;
  /** How often it was done. */
  readonly faults: number;
  /** Pushes that were acknowledged. */
  readonly acknowledged: number;
  readonly lost: readonly string[];
  readonly halfVisible: readonly string[];
  readonly litter: readonly string[];
  /** How often the server ended although nobody had ended it. */
  readonly ends: number;
}
