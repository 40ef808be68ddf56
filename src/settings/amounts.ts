// Settings that say how much, how long, and whether: bytes, seconds, parts, switches and levels.

const MAX_UPSTREAM_TTL_SECONDS = 7 * 24 * 3600;
const MAX_WORKERS = 128;
const LOG_LEVELS = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const;

/** The levels of pino, and silent. */
export type LogLevel = (typeof LOG_LEVELS)[number];
/** Amazon S3 User Guide, "Amazon S3 multipart upload limits". */
const [MIN_PART_BYTES, MAX_PART_BYTES] = [5 * 1024 ** 2, 5 * 1024 ** 3];

/** A number of bytes, with K, M or G for powers of 1024. Throws an example otherwise. */
export function parseBytes(text: string): number {
  const match = /^(\d+)([KMG]?)$/.exec(text);
  const bytes = match ? Number(match[1]) * 1024 ** ["", "K", "M", "G"].indexOf(match[2]!) : Number.NaN;
  if (!Number.isSafeInteger(bytes)) throw new Error(`"${text}" is not a number of bytes, such as 500M or 2G`);
  return bytes;
}

/** How many of something. Throws an example otherwise. */
export function parseCount(text: string): number {
  const count = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(count)) throw new Error(`"${text}" is not a number, such as 600; 0 is no limit`);
  return count;
}

/** How many processes share the port beside the first. Throws the range otherwise. */
export function parseWorkers(text: string): number {
  const workers = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (!(workers <= MAX_WORKERS))
    throw new Error(
      `"${text}" is not a number of processes from 0 to ${MAX_WORKERS}, such as one less than there are cores`,
    );
  return workers;
}

/** The bytes that a push may have. Throws for 0 as well, which git takes for no limit at all. */
export function parsePushLimit(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === 0) throw new Error("0 would let nothing in; give the bytes that a push may have");
  return bytes;
}

/** The bytes of one part of a large object. Throws the range of S3 otherwise. */
export function parsePartBytes(text: string): number {
  const bytes = parseBytes(text);
  if (bytes < MIN_PART_BYTES || bytes > MAX_PART_BYTES) throw new Error(`"${text}" is not between 5M and 5G`);
  return bytes;
}

/** on or off. Throws the two words otherwise. */
export function parseSwitch(text: string): boolean {
  if (text !== "on" && text !== "off") throw new Error(`"${text}" is neither on nor off`);
  return text === "on";
}

/** A number of seconds, a week at most. Throws an example otherwise. */
export function parseTtl(text: string): number {
  const seconds = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= MAX_UPSTREAM_TTL_SECONDS))
    throw new Error(`"${text}" is not a number of seconds up to ${MAX_UPSTREAM_TTL_SECONDS}, such as 60`);
  return seconds;
}

/** A level of the log. Throws all of them otherwise. */
export function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) throw new Error(`"${text}" is none of ${LOG_LEVELS.join(", ")}`);
  return level;
}

/** Which part of all: all is 1, none is 0, 1/100 is 0.01. Throws these forms otherwise. */
export function parsePart(text: string): number {
  if (text === "all") return 1;
  if (text === "none") return 0;
  const of = Number(/^1\/([1-9]\d{0,8})$/.exec(text)?.[1] ?? Number.NaN);
  if (Number.isNaN(of)) throw new Error(`"${text}" is none of all, none, and one in so many, such as 1/100`);
  return 1 / of;
}
