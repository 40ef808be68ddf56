// Addresses and networks, in every spelling.
import { BlockList, isIP } from "node:net";
import { describe, expect, test } from "vitest";
import {
  bytesOfAddress,
  groupsOf,
  isAddressOrNetwork,
  machineOf,
  networkList,
  plainAddress,
} from "../../src/network/ip-address.ts";
import fc from "../support/properties.ts";

test.each(["10.0.0.0/8", "10.1.2.3", "::1", "fd00::/8", "0.0.0.0/0", "::/0", "::ffff:10.0.0.0/104"])(
  "%s is an address or a network",
  (text) => {
    expect(isAddressOrNetwork(text)).toBe(true);
  },
);

test.each([
  "",
  "10.0.0.0/33",
  "::/129",
  "10.0.0.0/",
  "10.0.0.0/8/8",
  "10.0.0.0/-1",
  "127.1",
  "010.0.0.1",
  "0x7f000001",
  "go.corp",
])("%s is neither", (text) => {
  expect(isAddressOrNetwork(text)).toBe(false);
  expect(() => networkList([text])).toThrow("neither an address nor a network");
});

describe("a list", () => {
  test("holds an address in every spelling", () => {
    const has = networkList(["10.0.0.0/8", "fd00::/8", "192.168.7.7", "::ffff:172.16.0.0/108"]);
    for (const one of [
      "10.1.2.3",
      "::ffff:10.1.2.3",
      "::ffff:a01:203",
      "fd12::1",
      "fd12::1%eth0",
      "192.168.7.7",
      "172.16.3.4",
    ])
      expect(has(one), one).toBe(true);
    for (const one of ["11.0.0.1", "192.168.7.8", "fc00::1", "10.1", "", "localhost"])
      expect(has(one), one).toBe(false);
  });

  test("of everything holds both families", () => {
    expect(networkList(["::/0"])("10.1.2.3")).toBe(true);
    expect(networkList(["0.0.0.0/0"])("fd00::1")).toBe(false);
  });

  test("takes ::10.0.0.1 for no spelling of 10.0.0.1 (RFC 4291, 2.5.5.1)", () => {
    expect(networkList(["10.0.0.0/8"])("::10.0.0.1")).toBe(false);
    expect(networkList(["::10.0.0.1"])("10.0.0.1")).toBe(false);
    expect(networkList(["::10.0.0.0/104"])("::a00:1")).toBe(true);
    expect(networkList(["::0.0.0.0/81"])("0.0.0.0")).toBe(false);
    expect(plainAddress("::10.0.0.1")).toBe("::10.0.0.1");
  });

  test("says what Node's own says", () => {
    const network = fc.oneof(
      fc.record({ address: fc.ipV4(), bits: fc.integer({ min: 0, max: 32 }) }),
      fc.record({ address: fc.ipV6(), bits: fc.integer({ min: 0, max: 128 }) }),
    );
    const familyOf = (text: string): "ipv4" | "ipv6" => (isIP(text) === 4 ? "ipv4" : "ipv6");
    fc.assert(
      fc.property(fc.array(network, { maxLength: 4 }), fc.oneof(fc.ipV4(), fc.ipV6()), (networks, address) => {
        const nodes = new BlockList();
        for (const one of networks) nodes.addSubnet(one.address, one.bits, familyOf(one.address));
        const ours = networkList(networks.map((one) => `${one.address}/${one.bits}`));
        expect(ours(address)).toBe(nodes.check(address, familyOf(address)));
      }),
    );
  });
});

test("an address in IPv6's clothes is undressed, and a machine has a network of IPv6 to itself", () => {
  expect(plainAddress("::ffff:10.0.0.1")).toBe("10.0.0.1");
  expect(plainAddress("::ffff:a00:1")).toBe("10.0.0.1");
  expect(plainAddress("fd00::1")).toBe("fd00::1");
  expect(plainAddress("unknown")).toBe("unknown");
  expect(machineOf("2001:db8::1:2:3:4")).toBe("2001:db8:0:0");
  expect(machineOf("2001:db8::99")).toBe(machineOf("2001:0db8:0:0:ffff::1"));
  expect(machineOf("::ffff:10.0.0.1")).toBe("10.0.0.1");
});

test("an address as numbers and as bytes", () => {
  expect(groupsOf("64:ff9b::8.8.8.8")).toEqual([0x64, 0xff9b, 0, 0, 0, 0, 0x808, 0x808]);
  expect(groupsOf("::8.8.8.8")).toEqual([0, 0, 0, 0, 0, 0, 0x808, 0x808]);
  expect(groupsOf("fe80::1%eth0")).toEqual([0xfe80, 0, 0, 0, 0, 0, 0, 1]);
  expect(groupsOf("10.0.0.1")).toBeUndefined();
  expect(bytesOfAddress("10.0.0.1")).toEqual(Buffer.from([10, 0, 0, 1]));
  expect(bytesOfAddress("::10.0.0.1").toString("hex")).toBe("0000000000000000000000000a000001");
  expect(bytesOfAddress("2001:db8::1").toString("hex")).toBe("20010db8000000000000000000000001");
});
