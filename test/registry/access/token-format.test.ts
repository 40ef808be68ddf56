import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { digestOf, newSecret, TOKEN_PREFIX } from "../../../src/registry/access/token-format.ts";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

describe.each(["PERSONAL", "DEPLOY"] as const)("a %s token", (kind) => {
  test("names its kind, and is letters and digits that a shell, a URL and ~/.netrc leave alone", () => {
    expect(newSecret(kind)).toMatch(kind === "PERSONAL" ? /^gkpt_[0-9A-Za-z]{36}$/ : /^gkdt_[0-9A-Za-z]{36}$/);
    expect(newSecret(kind).startsWith(TOKEN_PREFIX[kind])).toBe(true);
  });

  test("ends in the CRC-32 of what stands before, in base 62, so that scanners can be sure of it", () => {
    const secret = newSecret(kind);
    const value = [...secret.slice(-6)].reduce((sum, digit) => sum * 62 + ALPHABET.indexOf(digit), 0);
    expect(value).toBe(crc32(secret.slice(0, -6)));
  });

  test("never comes twice, and every place takes every character", () => {
    const secrets = Array.from({ length: 5_000 }, () => newSecret(kind));
    expect(new Set(secrets).size).toBe(secrets.length);
    // 5,000 draws of 62: that a character never comes at a place has a chance of 1e-34.
    for (let at = 5; at < 35; at++) expect(new Set(secrets.map((secret) => secret[at])).size).toBe(62);
  });
});

test("a digest is SHA-256 in hex and does not depend on the form of the secret", () => {
  expect(digestOf("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(digestOf("ünïcode")).toMatch(/^[0-9a-f]{64}$/);
});
