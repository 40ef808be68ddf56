// The examples that the Amazon S3 API Reference works out ("Signature Calculations for the Authorization Header" and "…Using
// Query Parameters"), with its own key.
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { signedHeaders, signedUrl, uriPath } from "../../../src/storage/s3/signature.ts";

const SIGNER = {
  region: "us-east-1",
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
const AT = Date.UTC(2013, 4, 24);
const HOST = "https://examplebucket.s3.amazonaws.com";
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const signatureIn = (text: string | undefined): string | undefined => /Signature=([0-9a-f]+)$/.exec(text ?? "")?.[1];

test.each([
  [
    "a part of an object",
    { method: "GET", path: "/test.txt", headers: { range: "bytes=0-9" }, body: "" },
    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  ],
  [
    "an object that is put",
    {
      method: "PUT",
      path: "/test%24file.text",
      headers: { date: "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY" },
      body: "Welcome to Amazon S3.",
    },
    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  ],
  [
    "a list",
    { method: "GET", path: "/?max-keys=2&prefix=J", headers: {}, body: "" },
    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  ],
])("%s is signed as Amazon signs it", (_, { method, path, headers, body }, signature) => {
  const request = { method, url: new URL(HOST + path), headers, payload: sha256(body) };
  expect(signatureIn(signedHeaders(request, SIGNER, AT).authorization)).toBe(signature);
});

test("a link is signed as Amazon signs it", () => {
  const link = signedUrl(new URL(`${HOST}/test.txt`), SIGNER, 86_400, AT);
  expect(signatureIn(link)).toBe("aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
  expect(link).toContain("X-Amz-Expires=86400");
});

test("a path has one spelling", () => {
  expect(uriPath("a b/c!d'e(f)*/+@é~")).toBe("a%20b/c%21d%27e%28f%29%2A/%2B%40%C3%A9~");
});
