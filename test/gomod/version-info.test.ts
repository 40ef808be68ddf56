// The .info of others, read as encoding/json reads it.
import { expect, test } from "vitest";
import { parseVersionInfo } from "../../src/gomod/version-info.ts";

const read = (text: string) => parseVersionInfo(Buffer.from(text));

test.each([
  ['{"Version":"v1.0.0","Time":"t","Origin":{"URL":"u"}}', { version: "v1.0.0", time: "t", originUrl: "u" }],
  ['{"version":"v1.0.0","TIME":"t","origin":{"url":"u"}}', { version: "v1.0.0", time: "t", originUrl: "u" }],
  ['{"ver\u017fion":"v1.0.0"}', { version: "v1.0.0", time: undefined, originUrl: undefined }], // simple folding
  ['{"Version":"v1.0.0","version":"v1.0.1"}', { version: "v1.0.1", time: undefined, originUrl: undefined }],
  ['{"Version":1,"Origin":"x"}', { version: undefined, time: undefined, originUrl: undefined }],
  ["null", { version: undefined, time: undefined, originUrl: undefined }],
  ["[]", { version: undefined, time: undefined, originUrl: undefined }],
])("%s", (text, info) => {
  expect(read(text)).toEqual(info);
});

test.each(["", "<html>", '{"Version":'])("%s is none", (text) => {
  expect(read(text)).toBeUndefined();
});
