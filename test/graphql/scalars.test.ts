import { Kind } from "graphql";
import { describe, expect, test } from "vitest";
import { globalId, numberIn } from "../../src/graphql/global-id.ts";
import { BigInt64, CalendarDate, DateTime } from "../../src/graphql/scalars.ts";

describe("Date", () => {
  test("is a day of the calendar, in UTC", () => {
    for (const day of ["2024-02-29", "0001-01-01", "9999-12-31"])
      expect(CalendarDate.serialize(CalendarDate.parseValue(day))).toBe(day);
    expect(CalendarDate.parseLiteral({ kind: Kind.STRING, value: "2024-01-02" })).toEqual(
      new Date("2024-01-02T00:00:00Z"),
    );
  });
  test.each([
    "2023-02-29",
    "2024-13-01",
    "2024-00-10",
    "2024-1-2",
    "0000-01-01",
    "2024-01-01T00:00:00Z",
    "12024-01-01",
    "",
    " 2024-01-01",
    20240101,
    null,
    new Date(),
  ])("%s is none", (value) => expect(() => CalendarDate.parseValue(value)).toThrow(/is no Date/));
  test("no other literal is one", () => {
    expect(() => CalendarDate.parseLiteral({ kind: Kind.INT, value: "2024" })).toThrow(/is no Date/);
  });
});

describe("DateTime", () => {
  test("is a moment with its offset, given out in UTC", () => {
    const utc = (text: string) => DateTime.serialize(DateTime.parseValue(text));
    expect(utc("2024-01-02T03:04:05Z")).toBe("2024-01-02T03:04:05.000Z");
    expect(utc("2024-01-02t03:04:05.678+05:30")).toBe("2024-01-01T21:34:05.678Z");
  });
  test.each([
    "2024-01-02",
    "2024-01-02T03:04:05",
    "2024-02-30T00:00:00Z",
    "2024-01-02T24:00:00Z",
    "2024-01-02T03:60:00Z",
    "2024-01-02 03:04:05Z",
    "0001-01-01T00:00:00+01:00",
    "now",
    0,
  ])("%s is none", (value) => expect(() => DateTime.parseValue(value)).toThrow(/is no DateTime/));
});

describe("BigInt", () => {
  test("has 64 bits and is written as a string", () => {
    for (const number of ["0", "-9223372036854775808", "9223372036854775807"])
      expect(BigInt64.serialize(BigInt64.parseValue(number))).toBe(number);
  });
  test.each(["9223372036854775808", "-9223372036854775809", "1.0", "1e3", "0x10", "", "+1", 1])("%s is none", (value) =>
    expect(() => BigInt64.parseValue(value)).toThrow(/is no BigInt/),
  );
});

describe("a global id", () => {
  test("names the kind and the number", () => {
    expect(globalId("Project", { id: 7 })).toBe("gid://gokura/Project/7");
    expect(numberIn("Project", "gid://gokura/Project/2147483647")).toBe(2_147_483_647);
  });
  test.each([
    "",
    "7",
    "gid://gokura/Project/",
    "gid://gokura/Project/0",
    "gid://gokura/Project/07",
    "gid://gokura/Project/-1",
    "gid://gokura/Project/1e3",
    "gid://gokura/Project/2147483648",
    "gid://gokura/Project/1/2",
    "gid://gokura/Group/7",
    "gid://gitlab/Packages::Project/7",
    " gid://gokura/Project/7",
    "gid://gokura/Project/７",
  ])("%j is none of a project", (text) =>
    expect(() => numberIn("Project", text)).toThrow(/is no id of a Project; one looks like gid:\/\/gokura\/Project\/1/),
  );
});
