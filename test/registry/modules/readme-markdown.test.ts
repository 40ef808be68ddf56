// What is left of Markdown where a line of text has to do.
import { expect, test } from "vitest";
import { plainTextOf } from "../../../src/registry/modules/readme-markdown.ts";

test.each([
  ["# A *tree* of `maps`\n\nfast, **so**ft and ~~slow~~ small", "A tree of maps fast, soft and slow small"],
  ["[![Build](https://ci.test/b.svg)](https://ci.test) ![logo](l.png)\nReads [YAML](https://yaml.org).", "Reads YAML."],
  ["[![Go][doc-img]][doc] ![CI] The [errors][1] package, a[i] and [ ] too", "The errors package, a[i] and [ ] too"],
  ["[![Go][1]][2] text\n\n[1]: https://x.test/a.svg\n[2]: https://x.test", "text"],
  ["- one\n- two\n\n| a | b |\n| - | - |\n| c | d |", "one two a b c d"],
  ["```go\nx := **p\n```\n\n    y := 1\n", "x := **p y := 1"],
  [
    '<p align="center"><img src=x><b>Big</b> &amp; small</p>\n<!-- no -->\n\nin<br>two, H<sub>2</sub>O',
    "Big & small in two, H2O",
  ],
  ["<style>p { x: y }</style>\n<script>alert(1)</script>\n\nwords", "words"],
  ["&lt;script&gt; and a &amp;lt; b", "<script> and a &lt; b"],
  ["a line\nbroken\\\nhard", "a line broken hard"],
  ["cut [off](https://example.com/very", "cut [off](https://example.com/very"],
  ["https://example.com/a_b_c", "https://example.com/a_b_c"],
  ["", ""],
])("%j reads %j", (markdown, text) => expect(plainTextOf(markdown)).toBe(text));
