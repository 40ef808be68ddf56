// Everybody walks through all pages by their links: nothing leads nowhere, every page is valid HTML, and nobody hears a name
// that is not for them.
import { HtmlValidate } from "html-validate";
import { beforeAll, expect, test } from "vitest";
import { ADMIN_TOKEN } from "../support/server.ts";
import { browser } from "./browser.ts";
import { walk } from "./walk.ts";
import { SECRET, type World, world } from "./world.ts";

const validator = new HtmlValidate({
  extends: ["html-validate:recommended"],
  rules: {
    "long-title": "off", // module paths are long
    "no-inline-style": "error",
    "no-trailing-whitespace": "off",
    "require-sri": "off", // everything is of this server
    "doctype-style": ["error", { style: "lowercase" }],
    "void-style": "off", // the sanitiser writes <img />
    "form-dup-name": ["error", { shared: ["radio", "button", "submit", "checkbox"] }],
  },
});

let server: World;

beforeAll(async () => {
  server = await world();
});

test.each([
  ["the anonymous", () => undefined],
  ["a member", () => server.member],
  ["an administrator", () => ADMIN_TOKEN],
])("%s: no link is dead, every page is valid, and nothing is told that is not for them", async (who, token) => {
  const { pages, dead } = await walk(await browser(server.url, token()));
  expect(dead).toEqual([]);
  const faults: string[] = [];
  // The administrator sees what others see, and more: it is enough to look at every page once.
  for (const [path, text] of who === "an administrator" ? pages : []) {
    const report = await validator.validateString(text);
    for (const { messages } of report.results)
      faults.push(...messages.map(({ ruleId, message, line }) => `${path}:${line} ${ruleId}: ${message}`));
  }
  expect([...new Set(faults)]).toEqual([]);
  const secret = [...pages].filter(([, text]) => text.includes(SECRET)).map(([path]) => path);
  if (who === "the anonymous") expect(secret).toEqual([]);
  else expect(secret.length).toBeGreaterThan(5);
});

test("what is hidden looks like what is not there", async () => {
  const anonymous = await browser(server.url);
  const alike = async (path: string) => {
    const { status, headers } = await anonymous.get(path);
    return [status, headers.location?.replaceAll(/(?:vault|none)/g, "X")];
  };
  for (const path of ["/X", "/X/plans", "/groups/X", "/X/plans/-/tags", "/X/plans/-/commit/main", "/X.atom"])
    expect(await alike(path.replace("X", SECRET))).toEqual(await alike(path.replace("X", "none")));
  for (const path of ["/-/go/gokura.test/X/plans", "/-/src/gokura.test/X/plans@v1.0.0/plans.go"])
    expect(await alike(path.replace("X", SECRET))).toEqual(await alike(path.replace("X", "none")));
  // A badge is a picture, for everybody the same.
  const badge = async (name: string) => (await anonymous.get(`/${name}/plans/-/badges/version.svg`)).text;
  expect(await badge(SECRET)).toBe(await badge("none"));
  const stranger = await browser(server.url, await server.token("stranger"));
  for (const path of ["/X/plans", "/X/plans/-/edit", "/-/go/gokura.test/X/plans"]) {
    const [hidden, none] = [
      await stranger.get(path.replace("X", SECRET)),
      await stranger.get(path.replace("X", "none")),
    ];
    expect([hidden.status, hidden.text.replaceAll(SECRET, "none")]).toEqual([404, none.text]);
  }
});
