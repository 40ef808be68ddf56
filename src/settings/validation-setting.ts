// The validation hook as it is set: where it is, what signs the messages to it, and what becomes of versions when it gives no
// answer.

/** A validation hook. */
export interface ValidationSettings {
  /** http or https. */
  readonly url: string;
  /** What signs the messages to it; undefined: they are not signed. */
  readonly key: Buffer | undefined;
  /** Whether versions are let through when it gives no answer. */
  readonly letThrough: boolean;
}

/** The address of a hook. Throws an example otherwise. */
export function parseHookUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol) || url.hash !== "")
    throw new Error("must be an address such as https://validator.example.com/check");
  return text;
}

/** A secret as Standard Webhooks has it: whsec_ and 24 to 64 bytes in base64. What it throws holds nothing of it. */
export function parseHookSecret(text: string): Buffer {
  const [, base64] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const key = Buffer.from(base64 ?? "", "base64");
  if (key.length < 24 || key.length > 64)
    throw new Error("must be whsec_ and 24 to 64 bytes in base64: printf 'whsec_%s' \"$(openssl rand -base64 32)\"");
  return key;
}

/** What a hook that gives no answer means: deny or allow. */
export function parseHookFailure(text: string): boolean {
  if (text !== "deny" && text !== "allow") throw new Error(`"${text}" is neither deny nor allow`);
  return text === "allow";
}
