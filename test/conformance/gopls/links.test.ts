// The real gopls, which is told to link to this server: each link that it gives, of symbols, of imports and of lines in go.mod, is a
// page with that anchor, or leads to the site of what is not stored here. Building gopls takes a minute, so it is done where
// GOKURA_GOPLS is set: GOKURA_GOPLS=1 npx vitest run test/conformance/gopls.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { goProgram, required } from "../../clients/installed.ts";
import { goCommand } from "../../support/go.ts";
import { ask, bearer } from "../../support/http.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { ADMIN_TOKEN, testServer } from "../../support/server.ts";
import { languageServer } from "./lsp.ts";

const GOPLS = "golang.org/x/tools/gopls";
const LIB = "gokura.test/acme/lib";
const PAGES = "https://pages.example/{path}@{version}";
const TIMEOUT_MS = 900_000;

const MAIN = `package main

import (
	"fmt"

	"${LIB}"
	"${LIB}/sub"
)

func main() {
	var l *lib.Limiter = lib.New(lib.Max)
	fmt.Println(l.Allow(1), l.Rate, sub.Everywhere, sub.T{}.Twice())
}
`;

test.runIf(process.env.GOKURA_GOPLS !== undefined)(
  "each link of gopls is a page with that anchor",
  { timeout: TIMEOUT_MS },
  async (context) => {
    const gopls = required(await goProgram(import.meta.dirname, GOPLS), context);
    const server = await testServer({ tls: true, environment: { GOKURA_MODULE_PAGES: PAGES } });
    const { registry, url, ca, certificateFile } = server;
    await createGroup(registry, OPERATOR, { fullPath: "acme" });
    await createProject(registry, OPERATOR, { fullPath: "acme/lib" });
    await pushRecipe(
      remoteOf(url, "acme/lib", ADMIN_TOKEN),
      (r) =>
        r.tag(
          "v1.0.0",
          r.commit({
            "go.mod": `module ${LIB}\n\ngo 1.23\n`,
            "lib.go":
              "// Package lib limits.\npackage lib\n\n// Max is the most.\nconst Max = 1\n\n// A Limiter limits.\ntype Limiter struct {\n\t// Rate is how often.\n\tRate int\n}\n\n// Allow says whether.\nfunc (l *Limiter) Allow(n int) bool { return true }\n\n// New makes one.\nfunc New(n int) *Limiter { return &Limiter{} }\n",
            "sub/sub.go":
              "// Package sub is below.\npackage sub\n\n// Everywhere is everywhere.\nvar Everywhere = 1\n\n// T is a type.\ntype T struct{}\n\n// Twice doubles.\nfunc (T) Twice() int { return 2 }\n",
          }),
        ),
      { GIT_SSL_CAINFO: certificateFile },
    );
    const { host, hostname } = new URL(url);
    const environment = {
      GOPROXY: `${url}/api/v4/packages/go`,
      SSL_CERT_FILE: certificateFile,
      GOFLAGS: "-mod=mod -modcacherw",
    };
    const netrc = [host, hostname].map((name) => `machine ${name} login any password ${ADMIN_TOKEN}`);
    const go = goCommand(environment, netrc);
    const main = join(go.cwd, "main.go");
    writeFileSync(main, MAIN);
    await go.must("get", `${LIB}@v1.0.0`);

    const settings = { linkTarget: `${host}/-/go`, linksInHover: true };
    const editor = languageServer(gopls, go.cwd, { ...go.env }, settings);
    const rootUri = pathToFileURL(go.cwd).href;
    await editor.request("initialize", {
      ...{ processId: process.pid, rootUri, initializationOptions: settings },
      capabilities: { workspace: { configuration: true }, textDocument: { hover: { contentFormat: ["markdown"] } } },
    });
    editor.notify("initialized", {});
    const opened = (file: string, languageId: string): { readonly uri: string } => {
      const uri = pathToFileURL(file).href;
      const text = readFileSync(file, "utf8");
      editor.notify("textDocument/didOpen", { textDocument: { uri, languageId, version: 1, text } });
      return { uri };
    };
    const document = opened(main, "go");
    const links = new Set<string>();
    for (const [line, text] of MAIN.split("\n").entries())
      for (const { index } of text.matchAll(/(?<=[.\s(*])[A-Z]\w*/g)) {
        const at = { textDocument: document, position: { line, character: index } };
        const hover = await editor.request<{ contents: { value: string } } | null>("textDocument/hover", at);
        for (const [link] of hover?.contents.value.matchAll(/https:\/\/[^\s)\]]+/g) ?? []) links.add(link);
      }
    for (const one of [document, opened(join(go.cwd, "go.mod"), "go.mod")]) {
      const found = await editor.request<{ target: string }[] | null>("textDocument/documentLink", {
        textDocument: one,
      });
      for (const { target } of found ?? []) links.add(target);
    }

    const seen: Record<string, string> = {};
    for (const link of links) {
      const { pathname, hash, origin } = new URL(link);
      expect(origin, link).toBe(url);
      const { status, headers, text } = await ask(url, pathname, {
        ca,
        headers: { ...bearer(ADMIN_TOKEN), accept: "text/html" },
      });
      const anchor = decodeURIComponent(hash.slice(1));
      const isThere = anchor === "" || text.includes(`id="${anchor}"`);
      seen[pathname + hash] = status === 302 ? headers.location! : `${status}${isThere ? "" : " without the anchor"}`;
    }
    const page = (path: string): [string, string] => [`/-/go/${path}`, "200"];
    expect(seen).toEqual(
      Object.fromEntries([
        ...["#Limiter", "#New", "#Max", "#Limiter.Allow", "#Limiter.Rate"].map((name) => page(`${LIB}@v1.0.0${name}`)),
        ...["#Everywhere", "#T", "#T.Twice"].map((name) => page(`${LIB}@v1.0.0/sub${name}`)),
        ...[page(LIB), page(`${LIB}/sub`), page(`mod/${LIB}@v1.0.0`)],
        ["/-/go/fmt", "https://pages.example/fmt"],
        ["/-/go/fmt#Println", "https://pages.example/fmt"],
      ]),
    );
  },
);
