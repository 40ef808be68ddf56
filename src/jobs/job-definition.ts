// What a file of this room says about its job.

export interface JobDefinition {
  readonly name: string;
  /** Seconds after which a run counts as lost and is tried again. */
  readonly expireInSeconds: number;
  /** How many waiting jobs one run takes; they are merged by payload. */
  readonly batchSize: number;
}
