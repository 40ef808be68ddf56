// What proves a hook, by the vectors that the forges and Standard Webhooks publish, and what proves nothing.
import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { hookProof } from "../../src/mirrors/hook-proof.ts";

const EVERYBODY = "It's a Secret to Everybody";
const HELLO = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
const STANDARD = {
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  headers: {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  },
  body: '{"test": 2432232314}',
  now: 1_614_265_400,
};

const isGood = (headers: Record<string, string>, body: string, secret: string, now?: number): boolean => {
  const proof = hookProof(headers, secret, now);
  for (const piece of [body.slice(0, 3), body.slice(3)]) proof.update(Buffer.from(piece));
  return proof.isGood();
};
const hmac = (body: string, secret: string): string => createHmac("sha256", secret).update(body).digest("hex");

test.each([
  // GitHub Docs, "Validating webhook deliveries", test values.
  ["GitHub", { "x-github-event": "push", "x-hub-signature-256": `sha256=${HELLO}` }, "Hello, World!"],
  // Atlassian Support, "Manage webhooks", test values.
  [
    "Bitbucket Cloud",
    {
      "x-event-key": "repo:push",
      "x-hub-signature": "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9",
    },
    "Hello World!",
  ],
  [
    "Bitbucket Data Center",
    { "x-event-key": "repo:refs_changed", "x-hub-signature": `sha256=${HELLO}` },
    "Hello, World!",
  ],
  // Both send the headers of those before them too.
  [
    "Gitea",
    {
      ...{ "x-gitea-event": "create", "x-gitea-signature": HELLO },
      ...{ "x-github-event": "create", "x-hub-signature-256": "sha256=" },
    },
    "Hello, World!",
  ],
  [
    "Forgejo",
    {
      "x-forgejo-event": "push",
      "x-forgejo-signature": HELLO,
      "x-gitea-event": "push",
      "x-gitea-signature": "0".repeat(64),
    },
    "Hello, World!",
  ],
  ["GitLab by its token", { "x-gitlab-event": "Tag Push Hook", "x-gitlab-token": EVERYBODY }, "{}"],
] as const)("%s", (_, headers, body) => {
  expect(isGood(headers, body, EVERYBODY)).toBe(true);
  expect(isGood(headers, body, "another secret")).toBe(false);
  if (!("x-gitlab-token" in headers)) expect(isGood(headers, `${body} `, EVERYBODY)).toBe(false);
});

test("Standard Webhooks, as GitLab signs: any of several signatures, within five minutes", () => {
  const { secret, headers, body, now } = STANDARD;
  expect(isGood(headers, body, secret, now)).toBe(true);
  const gitlab = { ...headers, "x-gitlab-event": "Push Hook", "x-gitlab-token": "whatever" };
  expect(isGood(gitlab, body, secret, now)).toBe(true);
  const rotated = { ...headers, "webhook-signature": `v1,AAAA v1a,x ${headers["webhook-signature"]}` };
  expect(isGood(rotated, body, secret, now)).toBe(true);
  for (const wrong of [now + 300, now - 700]) expect(isGood(headers, body, secret, wrong), String(wrong)).toBe(false);
  expect(isGood({ ...headers, "webhook-id": "msg_other" }, body, secret, now)).toBe(false);
  expect(isGood({ ...headers, "webhook-timestamp": "1614265331" }, body, secret, now)).toBe(false);
});

test.each([
  ["nothing", {}],
  ["no signature", { "x-github-event": "push" }],
  ["an empty one, as Gitea sends without a secret", { "x-gitea-event": "push", "x-gitea-signature": "" }],
  ["SHA-1", { "x-github-event": "push", "x-hub-signature": `sha1=${"0".repeat(40)}` }],
  ["SHA-256 of the empty secret", { "x-github-event": "push", "x-hub-signature-256": `sha256=${hmac("{}", "")}` }],
  [
    "a signature under another forge's name",
    { "x-gitea-event": "push", "x-hub-signature-256": `sha256=${hmac("{}", "s")}` },
  ],
  ["no hex", { "x-github-event": "push", "x-hub-signature-256": `sha256=${"z".repeat(64)}` }],
  ["half of one", { "x-github-event": "push", "x-hub-signature-256": `sha256=${hmac("{}", "s").slice(0, 32)}` }],
  ["a token that begins right", { "x-gitlab-event": "Push Hook", "x-gitlab-token": "s2" }],
  ["an empty token", { "x-gitlab-event": "Push Hook", "x-gitlab-token": "" }],
] as const)("%s proves nothing", (_, headers) => {
  expect(isGood(headers, "{}", "s")).toBe(false);
});
