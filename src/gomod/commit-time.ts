// The time of a commit as versions, .info and every list tell it. git takes any number of seconds; RFC 3339 and the 14 digits
// of a pseudo-version end with the year 9999. A commit that says to be later (a wrong clock, a joke) is told everywhere as
// one of the last second that all of them can tell, so that it is a version like any other, and the last in every order.

const LAST_TELLABLE = Date.UTC(9999, 11, 31, 23, 59, 59);

/** The go command reads the seconds into 64 bits (codehost/git.go, statLocal), and refuses a commit where they do not fit. */
const READABLE_SECONDS = 2 ** 63;

/** The time of so many seconds since 1970; invalid (NaN) if that is no number, or more than the go command reads. */
export function commitTime(seconds: number): Date {
  if (!(seconds < READABLE_SECONDS)) return new Date(Number.NaN);
  return tellable(new Date(Math.min(seconds * 1000, LAST_TELLABLE)));
}

/** A time no later than the last one that can be told. */
export function tellable(time: Date): Date {
  return time.getTime() > LAST_TELLABLE ? new Date(LAST_TELLABLE) : time;
}
