// Periods in few pieces. Beside every day, downloads are counted for spans of 4, 16 and 64 days, which begin at days whose
// numbers since 1970 are multiples of their length; so a month is the sum of about eight of these, and a year of fourteen,
// where it would be that of 365 days.

/** How many days the spans have that are counted beside single days, ascending. */
export const SPANS: readonly number[] = [4, 16, 64];

const DAY_MS = 86_400_000;

/** A span of days that is counted as one. */
export interface Span {
  /** 1, or one of SPANS. */
  readonly days: number;
  /** YYYY-MM-DD */
  readonly start: string;
}

/** The fewest spans that make up a period, both ends included, ascending. */
export function downloadSpans(from: Date, to: Date): Span[] {
  const spans: Span[] = [];
  const last = Math.floor(to.getTime() / DAY_MS);
  for (let day = Math.floor(from.getTime() / DAY_MS); day <= last; ) {
    const days = SPANS.findLast((length) => day % length === 0 && day + length - 1 <= last) ?? 1;
    spans.push({ days, start: new Date(day * DAY_MS).toISOString().slice(0, 10) });
    day += days;
  }
  return spans;
}
