// Work that walks through very many things makes much garbage and keeps a little of each, a name or a sum. V8 takes what is
// kept for a want of room and doubles that of its young generation, again and again, up to 128 MB, of which it gives nothing
// back before it is idle. Such work is not done sooner for it, and each collection holds everybody up for longer. So the
// young generation stays as large as it was while such work lasts.
import { setFlagsFromString } from "node:v8";

/** V8 reads this one each time when it would like more room; 2 is what it begins with. */
const setGrowth = (factor: 1 | 2): void => setFlagsFromString(`--semi-space-growth-factor=${factor}`);

let works = 0;

/** Does the work; until it is done, and all other such work too, the young generation of the process does not grow. */
export async function withoutYoungGrowth<T>(work: () => Promise<T>): Promise<T> {
  if (works++ === 0) setGrowth(1);
  try {
    return await work();
  } finally {
    if (--works === 0) setGrowth(2);
  }
}
