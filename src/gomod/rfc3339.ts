// Times as the Go protocol writes them: in .info, beside the versions of a list, in the index. JavaScript's Date takes more for
// a time than RFC 3339 does (3.1 and 5.6) and bends what is in no calendar into something else, 30 February into 2 March.

const DATE_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** The moment that a text names; undefined if it names none. By its offset one may be in the year 0 or 10000 of UTC. */
export function rfc3339Time(text: string): Date | undefined {
  const upper = text.toUpperCase();
  const [, clock] = DATE_TIME.exec(upper) ?? [];
  const [plain, time] = [new Date(`${clock}Z`), new Date(upper)];
  if (Number.isNaN(plain.getTime()) || Number.isNaN(time.getTime())) return undefined;
  return plain.toISOString().startsWith(clock!) ? time : undefined;
}

/** Whether a time can be told wherever times are: in the years 1 to 9999 of UTC. */
export function hasTellableYear(time: Date): boolean {
  const year = time.getUTCFullYear();
  return year >= 1 && year <= 9999;
}
