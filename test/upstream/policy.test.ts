// Lists of upstreams as people write them, and the addresses behind which nobody may be asked.
import { describe, expect, test } from "vitest";
import { matchPrefixPatterns } from "../../src/gomod/module-path.ts";
import { hostsNamedIn, isOff, parseUpstreams } from "../../src/upstream/policy.ts";
import { reachableAddresses } from "../../src/upstream/reachable-address.ts";

/** A list in short: `url,` or `url|` for proxies, the word for others. */
const short = (text: string): string =>
  parseUpstreams(text)
    .map((one) => (one.kind === "proxy" ? `${one.url}${one.fallback === "on-absence" ? "," : "|"}` : one.kind))
    .join(" ");

test.each([
  ["https://a.example", "https://a.example,"],
  ["https://a.example/,https://b.example/x/y/", "https://a.example, https://b.example/x/y,"],
  ["https://a.example|https://b.example,direct", "https://a.example| https://b.example, direct"],
  ["a.example/go", "https://a.example/go,"],
  ["localhost:3000", "https://localhost:3000,"],
  ["HTTPS://A.Example:443", "https://a.example,"],
  ["http://10.0.0.7:8081/repository/go/", "http://10.0.0.7:8081/repository/go,"],
  [" , |https://a.example , ,| direct ", "https://a.example, direct"],
  ["https://a.example,off,https://b.example", "https://a.example, off"],
  ["direct,https://a.example", "direct"],
  ["off", "off"],
])("%s is %s", (text, expected) => {
  expect(short(text)).toBe(expected);
});

test.each([
  [",", "the list is not empty but has no entries: give a URL, direct or off"],
  ["proxy", '"proxy" is neither a URL nor direct nor off'],
  ["/srv/go", '"/srv/go" is neither a URL nor direct nor off'],
  ["file:///srv/go", '"file:///srv/go": file: is not an upstream here; give an http or https URL'],
  ["ftp://a.example", '"ftp://a.example": the scheme must be https or http'],
  ["https:/a.example", '"https:/a.example" is not a URL'],
  ["https://a b.example", '"https://a b.example" is not a URL'],
  ["https://a.example?x=1", '"https://a.example?…": a proxy\'s URL has no "?" and no "#"'],
  ["http://u:hush@a.example", '"http://…@a.example": credentials are sent over https only, as the go command does'],
  ["https://u:hu%sh@a.example", '"https://…@a.example": the credentials have a broken percent-encoding'],
  ["ftp://u:hush@a.example", '"ftp://…@a.example": the scheme must be https or http'],
  ["https://u:hu@sh@a b", '"https://…@a b" is not a URL'],
  ["u:hush@a.example:x", '"https://…@a.example:x" is not a URL'],
])("%s is a mistake: %s", (text, message) => {
  expect(() => parseUpstreams(text)).toThrow(expect.objectContaining({ kind: "invalid", message }));
});

test("credentials become a header, and stand nowhere else", () => {
  const [one] = parseUpstreams("https://me%40corp:p%3Aw@go.corp:8443/x/");
  expect(one).toEqual({
    kind: "proxy",
    url: "https://go.corp:8443/x",
    name: "go.corp:8443/x",
    authorization: `Basic ${Buffer.from("me@corp:p:w").toString("base64")}`,
    fallback: "on-absence",
  });
});

test("what an administrator named, and whether anybody is asked", () => {
  const list = parseUpstreams("https://a.example/x,http://10.0.0.7:81|direct");
  expect([...hostsNamedIn(list, "https://sum.example:443/db", undefined)]).toEqual([
    "a.example",
    "10.0.0.7:81",
    "sum.example",
  ]);
  expect([isOff(list), isOff(parseUpstreams("off")), isOff(parseUpstreams("a.example,off"))]).toEqual([
    false,
    true,
    false,
  ]);
});

test("private patterns are GOPRIVATE's", () => {
  const patterns = "*.corp.example.com,rsc.io/private/";
  for (const path of ["git.corp.example.com/x", "rsc.io/private", "rsc.io/private/sub/v2"])
    expect(matchPrefixPatterns(patterns, path), path).toBe(true);
  for (const path of ["corp.example.com/x", "rsc.io/privateer", "rsc.io"])
    expect(matchPrefixPatterns(patterns, path), path).toBe(false);
  expect(matchPrefixPatterns("", "example.com/x")).toBe(false);
});

describe("addresses", () => {
  const mayReach = reachableAddresses([]);

  test.each([
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.32.0.1",
    "169.253.0.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "::ffff:808:808",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
  ])("%s may be reached", (address) => {
    expect(mayReach(address)).toBe(true);
  });

  test.each([
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:a9fe:a9fe",
    "0:0:0:0:0:ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:1::1",
    "localhost",
    "",
  ])("%s may not", (address) => {
    expect(mayReach(address)).toBe(false);
  });

  test("networks of the administrator are exceptions, in every spelling", () => {
    const allowed = reachableAddresses(["10.0.0.0/8", "192.168.7.7", "fd00::/8", "::1"]);
    for (const address of ["10.255.0.1", "192.168.7.7", "fd12::1", "::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1"])
      expect(allowed(address), address).toBe(true);
    for (const address of ["192.168.7.8", "127.0.0.1", "fc00::1", "::ffff:127.0.0.1"])
      expect(allowed(address), address).toBe(false);
  });
});
