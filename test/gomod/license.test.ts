// Licences are recognised as Go's own licensecheck recognises them, in the real files of real modules; and every text of the
// SPDX list is itself.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import spdx from "spdx-license-list/full.js";
import { describe, expect, test } from "vitest";
import { createLicenseMatcher, MAX_LICENSE_CHARACTERS, prepareLicenses } from "../../src/gomod/license.ts";
import { licenseWords } from "../../src/gomod/license-words.ts";
import { isLicenseFile } from "../../src/gomod/root-files.ts";
import { processorMs } from "../support/processor-time.ts";
import { temporary } from "../support/temporary.ts";

const prepared = await prepareLicenses(
  Object.entries(spdx).map(([spdxId, { licenseText: text, osiApproved }]) => ({ spdxId, text, osiApproved })),
);
// As a later process has them.
const matcher = createLicenseMatcher(deserialize(serialize(prepared)));
const textOf = (id: string): string => spdx[id]!.licenseText;
const ids = (text: string): string[] =>
  matcher
    .recognize(text)
    .map(({ spdxId }) => spdxId)
    .sort();

describe("words", () => {
  test.each([
    ['The "Software", to deal -- in', "the software to deal in"],
    ["1. Licence\n2) Whilst\n(a) b\n iv. c\n * d\n// e", "license while b c d e"],
    [
      "Copyright (c) 2012 A. Author\nCopyright 2009 The Go Authors. All rights reserved.\n© B\nAll Rights Reserved.\nx",
      "x",
    ],
    [
      "// Copyright [yyyy] [name]\n(c) 2020 C\nPortions Copyright (C) 1999 D\nCopyright The Kubernetes Authors.\nx",
      "x",
    ],
    ["copyright license to reproduce", "copyright license to reproduce"],
    ["COPYRIGHT OWNER OR CONTRIBUTORS BE LIABLE", "copyright owner or contributors be liable"],
    ["Copyright License. Subject to", "copyright license subject to"],
    ["http://ｅxample", "https example"],
  ])("%j", (text, words) => expect(licenseWords(text).join(" ")).toBe(words));
});

test("every text of the list is itself", () => {
  // Texts that differ by less than what does not count, and those of less than sixteen words.
  const alike: Record<string, string> = {
    ...{ "OFL-1.0-no-RFN": "OFL-1.0", "OFL-1.0-RFN": "OFL-1.0", "OFL-1.1-no-RFN": "OFL-1.1", "OFL-1.1-RFN": "OFL-1.1" },
    ...{ "CAL-1.0-Combined-Work-Exception": "CAL-1.0", "MPL-2.0-no-copyleft-exception": "MPL-2.0" },
    ...{ Nunit: "zlib-acknowledgement", "StandardML-NJ": "SMLNJ", "bzip2-1.0.5": "bzip2-1.0.6" },
    ...{ "BSD-2-Clause-FreeBSD": "BSD-2-Clause-Views", "BSD-2-Clause-NetBSD": "BSD-2-Clause" },
    ...{ "eCos-2.0": "UNKNOWN", TermReadKey: "UNKNOWN", "any-OSI": "UNKNOWN", diffmark: "UNKNOWN" },
  };
  const wrong = Object.keys(spdx).filter((id) => {
    const family = id.replace(/(?:\+|(?:-(?:no-)?invariants)?(?:-only|-or-later))$/, "");
    return matcher.recognize(textOf(id))[0]!.spdxId !== (alike[id] ?? (spdx[family] ? family : id));
  });
  expect(wrong).toEqual([]);
});

describe("recognize", () => {
  test("several licences, the largest first, with the part of each", () => {
    const both = `${textOf("MIT")}\n\n---\n\n${textOf("Apache-2.0")}`;
    const found = matcher.recognize(both);
    expect(found.map(({ spdxId }) => spdxId)).toEqual(["Apache-2.0", "MIT"]);
    expect(found[0]!.coverage + found[1]!.coverage).toBeGreaterThan(0.99);
  });

  test("the same licence again and again is one", () => {
    expect(matcher.recognize(textOf("MIT").repeat(50))).toEqual([
      { spdxId: "MIT", coverage: expect.closeTo(1, 1) as number },
    ]);
  });

  test("a name in a clause, other quotes, a comment in front of each line, no instructions at the end", () => {
    const bsd = textOf("BSD-3-Clause").replace("the copyright holder", "Example, Incorporated");
    expect(ids(bsd)).toEqual(["BSD-3-Clause"]);
    expect(ids(bsd.replace(/^/gm, "// "))).toEqual(["BSD-3-Clause"]);
    expect(ids(textOf("Apache-2.0").replace(/END OF TERMS[\s\S]*/, ""))).toEqual(["Apache-2.0"]);
    expect(ids(textOf("MIT").toUpperCase().replaceAll('"', "“"))).toEqual(["MIT"]);
  });

  test("the notice that Apache-2.0 wants in files is enough", () => {
    expect(ids(`Copyright 2020 X\n\n${/Licensed under the Apache[\s\S]*/.exec(textOf("Apache-2.0"))}`)).toEqual([
      "Apache-2.0",
    ]);
  });

  test("a clause more or less is another licence", () => {
    const [two, three] = [textOf("BSD-2-Clause"), textOf("BSD-3-Clause")];
    expect([ids(two), ids(three)]).toEqual([["BSD-2-Clause"], ["BSD-3-Clause"]]);
    expect(ids(textOf("JSON"))).toEqual(["JSON"]);
    expect(ids(textOf("MIT-0"))).toEqual(["MIT-0"]);
    expect(ids(textOf("MIT").replace(/THE SOFTWARE IS PROVIDED[\s\S]*/, ""))).toEqual(["UNKNOWN"]);
  });

  test("what is not known, or by less than three quarters, is UNKNOWN", () => {
    expect(matcher.recognize("")).toEqual([{ spdxId: "UNKNOWN", coverage: 0 }]);
    expect(matcher.recognize("All rights reserved. Ask legal@example.com.")).toEqual([
      { spdxId: "UNKNOWN", coverage: 0 },
    ]);
    const words = licenseWords(textOf("MIT")).length;
    const mixed = `${textOf("MIT")}\n${"zyx ".repeat(words)}`;
    expect(matcher.recognize(mixed)).toEqual([{ spdxId: "UNKNOWN", coverage: expect.closeTo(0.5, 1) as number }]);
    expect(ids(`${textOf("MIT")}\n${"zyx ".repeat(words / 5)}`)).toEqual(["MIT"]);
  });

  test("no text costs more than a moment", () => {
    const words = "warranty software license the of to and copyright".split(" ");
    const texts = [
      "the software the ".repeat(20_000),
      Array.from({ length: 50_000 }, (_, n) => words[(n * n * 7 + (n >> 3)) % 8]).join(" "),
      Object.values(spdx)
        .filter(({ licenseText }) => licenseText.length < 1500)
        .map(({ licenseText }) => licenseText)
        .join("\n"),
      "a ".repeat(MAX_LICENSE_CHARACTERS),
      " ".repeat(MAX_LICENSE_CHARACTERS),
      "1.".repeat(MAX_LICENSE_CHARACTERS),
      "/".repeat(MAX_LICENSE_CHARACTERS),
    ];
    for (const text of texts)
      expect(
        processorMs(() => matcher.recognize(text)),
        text.slice(0, 30),
      ).toBeLessThan(3_000);
  });
});

// ---- the real ones -----------------------------------------------------------------------------------------------------

const MODULES = [
  ...["github.com/pkg/errors@v0.9.1", "github.com/spf13/cobra@v1.8.0", "github.com/stretchr/testify@v1.9.0"],
  ...["golang.org/x/mod@v0.20.0", "github.com/hashicorp/golang-lru@v1.0.2", "gopkg.in/yaml.v2@v2.4.0"],
  ...["gopkg.in/yaml.v3@v3.0.1", "github.com/google/uuid@v1.6.0", "github.com/davecgh/go-spew@v1.1.1"],
  ...["github.com/juju/errors@v1.0.0", "github.com/gorilla/mux@v1.8.1", "github.com/dustin/go-humanize@v1.0.1"],
  ...["github.com/russross/blackfriday/v2@v2.1.0", "github.com/klauspost/compress@v1.17.7"],
  ...["github.com/eclipse/paho.mqtt.golang@v1.4.3", "github.com/zeebo/xxh3@v1.0.2", "github.com/gofrs/flock@v0.8.1"],
  ...["github.com/cockroachdb/apd/v3@v3.2.1", "github.com/BurntSushi/toml@v1.3.2", "github.com/fogleman/gg@v1.3.0"],
];

interface Said {
  readonly File: string;
  readonly Percent: number;
  readonly IDs: readonly string[];
}

/** The licence files of the modules, and what licensecheck says of them; undefined where they cannot be had. */
function oracle(): Said[] | undefined {
  try {
    const directory = join(temporary("licensecheck"), "it");
    cpSync(new URL("licensecheck", import.meta.url), directory, { recursive: true });
    const go = (...words: string[]): string =>
      execFileSync("go", words, {
        cwd: directory,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
        timeout: 90_000,
      });
    const roots = [...go("mod", "download", "-json", ...MODULES).matchAll(/"Dir": "(.*)"/g)].map(([, found]) => found!);
    const files = roots.flatMap((root) =>
      readdirSync(root)
        .filter((name) => isLicenseFile(name))
        .map((name) => join(root, name)),
    );
    go("build", "-o", "it", ".");
    const said = execFileSync(join(directory, "it"), files, { encoding: "utf8", timeout: 60_000 });
    return said
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Said);
  } catch {
    return undefined;
  }
}

const said = oracle();
if (!said) console.warn("the licences of real modules are not compared: GOPROXY does not give them");

describe.skipIf(!said)("real modules (skipped where GOPROXY does not give them)", () => {
  test("each file is what licensecheck says it is", () => {
    expect(said!.length).toBeGreaterThanOrEqual(MODULES.length);
    for (const { File, Percent, IDs } of said!) {
      expect(existsSync(File)).toBe(true);
      const theirs = Percent < 75 ? ["UNKNOWN"] : [...new Set(IDs)].sort();
      expect([File, ids(readFileSync(File, "utf8"))]).toEqual([File, theirs]);
    }
    const kinds = new Set(said!.flatMap(({ IDs }) => IDs));
    expect([...kinds].sort()).toEqual(
      expect.arrayContaining(["Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"]),
    );
  });
});
