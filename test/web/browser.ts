// A browser as far as servers see one, without drawing anything: it asks for HTML, keeps its cookie, follows no redirect by
// itself, and sends forms as they stand in the page, from the page's own site.
import { type Answer, ask } from "../support/http.ts";

export const ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/** What a form sends, by the names of its fields; of boxes that are ticked there may be several. */
export type Fields = Readonly<Record<string, string | readonly string[]>>;

export interface Browser {
  /** The cookies that it keeps, if any. */
  readonly cookie: () => string | undefined;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** Sends a form; `headers` in place of what a browser says of where it comes from. */
  post(path: string, fields: Fields, headers?: Record<string, string>): Promise<Answer>;
  /** Sends the form of a page that goes to `action`, with what stands in it and these fields. */
  submit(page: string, action: string, fields?: Fields): Promise<Answer>;
}

/** A browser that visits a server; with a token it has signed in. */
export async function browser(url: string, token?: string): Promise<Browser> {
  const jar = new Map<string, string>();
  const kept = () => (jar.size === 0 ? undefined : [...jar].map(([name, value]) => `${name}=${value}`).join("; "));
  const send = async (path: string, options: Parameters<typeof ask>[2] = {}): Promise<Answer> => {
    const cookie = kept();
    const headers = { accept: ACCEPT, ...(cookie === undefined ? {} : { cookie }), ...options.headers };
    const answer = await ask(url, path, { ...options, headers });
    for (const set of answer.headers["set-cookie"] ?? []) {
      const [name, value] = set.split(";")[0]!.split("=") as [string, string];
      if (value === "") jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  };
  const self: Browser = {
    cookie: kept,
    get: (path, headers = {}) => send(path, { headers }),
    post: (path, fields, headers = { origin: url, "sec-fetch-site": "same-origin" }) =>
      send(path, {
        method: "POST",
        body: encoded(fields),
        headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
      }),
    async submit(path, action, fields = {}) {
      const { text } = await self.get(path);
      const form = [...text.matchAll(/<form\b[^>]*method="post"[^>]*action="([^"]*)"[^>]*>(.*?)<\/form>/gs)].find(
        ([, to]) => to === action,
      );
      if (!form) throw new Error(`${path} has no form for ${action}:\n${text}`);
      const present = [...form[2]!.matchAll(/<input\b[^>]*type="hidden"[^>]*>/g)].map(([input]) => [
        /name="([^"]*)"/.exec(input)![1]!,
        /value="([^"]*)"/.exec(input)![1]!,
      ]);
      return self.post(action, { ...Object.fromEntries(present), ...fields });
    },
  };
  if (token !== undefined) {
    const answer = await self.submit("/-/sign-in", "/-/sign-in", { token });
    if (answer.status !== 303) throw new Error(`sign-in: ${answer.status} ${answer.text}`);
  }
  return self;
}

function encoded(fields: Fields): string {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    (typeof value === "string" ? [value] : value).map((one): [string, string] => [name, one]),
  );
  return new URLSearchParams(pairs).toString();
}
