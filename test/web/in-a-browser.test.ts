// The pages in a real browser (Chromium by its Debian package, driven by playwright-core): each in four dresses, with scripts
// and without, on a narrow screen, and in the dark. In each: no violation that axe finds, no message in the console (breaches
// of the content policy are told there), nothing that makes the page scroll sideways. Then what scripts add: keys, copying,
// marked lines. PICTURES=DIRECTORY has it write what it sees there.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADMIN_TOKEN } from "../support/server.ts";
import { startProvider, type TestProvider } from "../support/sign-in-provider.ts";
import { browser as httpBrowser } from "./browser.ts";
import { APP, LIB, VAULT, WORLD, type World, world } from "./world.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const pictures = process.env.PICTURES;
if (CHROMIUM === undefined)
  console.warn("NO BROWSER: the pages are not looked at in Chromium. Install it: apt-get install chromium");

/** Every page. The suite looks at those whose parts the others are made of too; PAGES=all has it look at all, PAGES=home,help at some. */
const ALL: readonly (readonly [name: string, path: string])[] = [
  ["home", "/"],
  ["search", "/-/search?q=lib"],
  ["modules", "/-/search"],
  ["sign-in", "/-/sign-in"],
  ["set-up", "/-/set-up?project=acme%2Flib"],
  ["help", "/-/help"],
  ["groups", "/-/groups"],
  ["projects", "/-/projects"],
  ["group", "/groups/acme"],
  ["group-packages", "/groups/acme/-/packages"],
  ["group-members", "/groups/acme/-/group_members"],
  ["group-settings", "/groups/acme/-/edit"],
  ["project", "/acme/lib"],
  ["packages", "/acme/lib/-/packages"],
  ["branches", "/acme/lib/-/branches"],
  ["tags", "/acme/lib/-/tags"],
  ["rejected-tags", "/acme/lib/-/rejected_tags"],
  ["project-settings", "/acme/lib/-/edit"],
  ["mirror-new", "/acme/lib/-/mirror"],
  ["mirror", "/acme/follows/-/mirror"],
  ["protected-tags", "/acme/lib/-/protected_tags"],
  ["deploy-tokens", "/acme/lib/-/deploy_tokens"],
  ["trusts", "/acme/lib/-/trusts"],
  ["hooks", "/acme/lib/-/hooks"],
  ["hook", "/acme/lib/-/hooks/1"],
  ["policies", "/admin/policies?hits=2"],
  ["group-policies", "/groups/acme/-/policies"],
  ["advisories", "/acme/lib/-/advisories"],
  ["vulnerabilities", `/-/go/${LIB}@v1.0.0?tab=vulnerabilities`],
  ["group-deploy-tokens", "/groups/acme/-/deploy_tokens"],
  ["commit", "/acme/lib/-/commit/main"],
  ["module", `/-/go/${LIB}`],
  ["retracted", `/-/go/${LIB}@v1.1.0`],
  ["private-module", `/-/go/${VAULT}`],
  ["from-upstream", `/-/go/${WORLD}@v1.0.0`],
  ["versions", `/-/go/${LIB}?tab=versions`],
  ["go-mod", `/-/go/${APP}@v0.1.0?tab=gomod`],
  ["build-list", `/-/go/${APP}@v0.1.0?tab=buildlist`],
  ["required-by", `/-/go/${LIB}?tab=importedby`],
  ["licences", `/-/go/${LIB}?tab=licenses`],
  ["downloads", `/-/go/${LIB}?tab=downloads`],
  ["provenance", `/-/go/${LIB}@v1.0.0?tab=provenance`],
  ["files", `/-/src/${LIB}@v1.0.0/`],
  ["source", `/-/src/${LIB}@v1.0.0/lib.go`],
  ["diff", `/-/diff/${LIB}@v1.0.0...v1.2.0`],
  ["symbols", "/-/symbols?q=add"],
  ["symbols-within", `/-/symbols?q=a&module=${LIB}@v1.0.0`],
  ["imported-by", `/-/go/${LIB}?tab=importedby&of=package`],
  ["tokens", "/-/user_settings/personal_access_tokens"],
  ["admin", "/admin"],
  ["admin-users", "/admin/users"],
  ["admin-tokens", "/admin/tokens"],
  ["admin-flags", "/admin/feature_flags"],
  ["admin-upstreams", "/admin/upstreams"],
  ["admin-jobs", "/admin/jobs"],
  ["admin-rejected", "/admin/rejected_tags"],
  ["admin-groups", "/admin/groups"],
  ["admin-prefixes", "/admin/module_prefixes"],
  ["admin-mirrors", "/admin/mirrors"],
  ["admin-hooks", "/admin/hooks"],
  ["admin-audit", "/admin/audit"],
  ["not-found", "/-/none"],
];

const FEW = new Set(
  ["home", "search", "sign-in", "project", "tags", "module", "versions", "go-mod"].concat([
    "downloads",
    "files",
    "source",
    "diff",
    "tokens",
    "admin-users",
    "trusts",
    "hook",
    "policies",
    "not-found",
  ]),
);
const asked = process.env.PAGES;
const PAGES = ALL.filter(([name]) =>
  asked === undefined ? FEW.has(name) : asked === "all" || asked.split(",").includes(name),
);
const TIME_MS = process.env.PAGES === "all" ? 600_000 : 180_000;

const DRESSES = {
  "with scripts": { viewport: { width: 1280, height: 900 } },
  "without scripts": { viewport: { width: 1280, height: 900 }, javaScriptEnabled: false },
  "at 360 pixels": { viewport: { width: 360, height: 740 }, hasTouch: true },
  "in the dark": { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
} as const;

describe.skipIf(CHROMIUM === undefined)("in Chromium", () => {
  let server: World;
  let provider: TestProvider;
  let chrome: Browser;
  let cookie: string;

  beforeAll(async () => {
    provider = await startProvider();
    server = await world({
      ...{ GOKURA_OIDC_ISSUER: provider.issuer, GOKURA_OIDC_CLIENT_ID: "gokura", GOKURA_OIDC_CLIENT_SECRET: "secret" },
      ...{ GOKURA_OIDC_NAME: "Example ID", GOKURA_OIDC_SCOPES: "openid profile groups" },
      ...{ GOKURA_OIDC_GROUPS: "planners=vault:developer", GOKURA_UPSTREAM_CA_FILE: provider.caFile },
    });
    await provider.knows(server.url, "gokura", "secret");
    chrome = await chromium.launch({ executablePath: CHROMIUM! });
    cookie = (await httpBrowser(server.url, ADMIN_TOKEN)).cookie()!;
    if (pictures !== undefined) mkdirSync(pictures, { recursive: true });
  });
  afterAll(() => chrome?.close());

  const dressed = async (dress: keyof typeof DRESSES): Promise<BrowserContext> => {
    const context = await chrome.newContext({ ...DRESSES[dress], baseURL: server.url });
    const [name, value] = cookie.split("=") as [string, string];
    await context.addCookies([{ name, value, url: server.url, httpOnly: true, sameSite: "Lax" }]);
    return context;
  };

  const saw = async (page: Page, name: string, dress: string): Promise<void> => {
    if (pictures === undefined) return;
    await page.screenshot({ path: join(pictures, `${name} ${dress}.png`.replaceAll(" ", "-")), fullPage: true });
  };

  test.each(Object.keys(DRESSES) as (keyof typeof DRESSES)[])(
    "every page is clean %s",
    async (dress) => {
      const context = await dressed(dress);
      const page = await context.newPage();
      const faults: string[] = [];
      let at = "";
      page.on("console", (message) => faults.push(`${at}: console: ${message.text()}`));
      page.on("pageerror", (error) => faults.push(`${at}: ${error.message}`));
      const isScripted = dress !== "without scripts";
      for (const [name, path] of PAGES) {
        at = name;
        const before = faults.length;
        await page.goto(path);
        // The page that is not there says so in the console, as every 404 does.
        if (name === "not-found") faults.length = before;
        if (isScripted) {
          // axe is put in by the test itself, which the content policy does not forbid. Other dresses differ in colours alone.
          // Legacy: it needs no second page for what comes of frames, of which we have none.
          const axe = new AxeBuilder({ page }).setLegacyMode();
          const { violations } = await (dress === "with scripts" ? axe : axe.withRules(["color-contrast"])).analyze();
          for (const { id, nodes } of violations)
            faults.push(
              `${name}: axe ${id}: ${nodes
                .map(({ html }) => html)
                .slice(0, 3)
                .join(" | ")}`,
            );
          const wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
          if ((wide as number) > 0) faults.push(`${name}: ${wide} pixels too wide`);
        }
        await saw(page, name, dress);
      }
      await context.close();
      expect(faults).toEqual([]);
    },
    TIME_MS,
  );

  test("keys: / searches, f jumps, y gives the permanent address, ? helps, and none while somebody types", async () => {
    const context = await dressed("with scripts");
    const page = await context.newPage();
    await page.goto(`/-/go/${LIB}`);
    await page.keyboard.press("y");
    await page.waitForURL(`**/-/go/${LIB}@v1.2.0`);
    await page.keyboard.press("f");
    await page.keyboard.type("v1.1");
    await expect.poll(() => page.locator("dialog li").allTextContents()).toEqual(["v1.1.0"]);
    await page.keyboard.press("Enter");
    await page.waitForURL(`**/-/go/${LIB}@v1.1.0`);
    await page.keyboard.press("/");
    await page.keyboard.type("f?y/");
    await expect.poll(() => page.locator("#q").inputValue()).toBe("f?y/");
    await page.locator("h1").click();
    await page.keyboard.press("?");
    await page.waitForURL("**/-/help");
    await context.close();
  });

  test("lines of source are marked from one to another, and what is to be pasted is copied", async () => {
    const context = await dressed("with scripts");
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const page = await context.newPage();
    await page.goto(`/-/src/${LIB}@v1.0.0/lib.go#L2-L4`);
    expect(await page.locator(".l.on").evaluateAll((lines) => lines.map((line) => line.id))).toEqual([
      "L2",
      "L3",
      "L4",
    ]);
    await page.locator("#L5 .n").click();
    await page.locator("#L8 .n").click({ modifiers: ["Shift"] });
    await page.waitForURL("**#L5-L8");
    await page.goto(`/-/go/${LIB}@v1.0.0`);
    await page.locator(".copy button").first().click();
    await expect.poll(() => page.evaluate("navigator.clipboard.readText()")).toBe(`go get ${LIB}@v1.0.0`);
    await context.close();
  });

  test("signing in, making a token and signing out work without scripts", async () => {
    const context = await chrome.newContext({ javaScriptEnabled: false, baseURL: server.url });
    const page = await context.newPage();
    await page.goto("/vault/plans");
    expect(new URL(page.url()).pathname).toBe("/-/sign-in");
    await page.getByLabel("Personal access token").fill(server.member);
    await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL("**/vault/plans");
    await page.goto("/-/user_settings/personal_access_tokens");
    await page.getByLabel("Name").fill("laptop");
    await page.getByLabel("read_api").check();
    await page.getByRole("button", { name: "Make the token" }).click();
    expect(await page.locator(".banner code").textContent()).toMatch(/^gkpt_[0-9A-Za-z]{36}$/);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("link", { name: "Sign in" }).first().waitFor();
    await page.goto("/vault/plans");
    expect(new URL(page.url()).pathname).toBe("/-/sign-in");
    await context.close();
  });

  test("signing in by the provider, and out here and there, works without scripts", async () => {
    provider.people.set("s-1", { preferred_username: "otto", groups: ["planners"] });
    provider.who("s-1");
    const context = await chrome.newContext({
      ...{ javaScriptEnabled: false, ignoreHTTPSErrors: true, baseURL: server.url },
    });
    const page = await context.newPage();
    await page.goto("/vault/plans");
    await saw(page, "sign-in-by-provider", "without scripts");
    await page.getByRole("link", { name: "Sign in with Example ID" }).click();
    await page.waitForURL(`${server.url}/vault/plans`);
    expect(await page.locator("h1").textContent()).toContain("plans");
    await page.getByRole("button", { name: "Sign out" }).click();
    await saw(page, "signed-out", "without scripts");
    await page.getByRole("link", { name: "Sign out of Example ID too" }).click();
    await page.waitForURL(`${provider.issuer}/**`);
    await page.getByRole("button", { name: /yes/i }).click();
    await page.waitForURL(`${server.url}/`);
    await page.goto("/vault/plans");
    expect(new URL(page.url()).pathname).toBe("/-/sign-in");
    await context.close();
  });
});
