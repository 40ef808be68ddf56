import { expect, test } from "vitest";
import { createReadingRoom, NoRoom } from "../../../src/git/indexing/reading-room.ts";

test("readers share the room, and what one leaves is another's", () => {
  const room = createReadingRoom(10);
  const [one, two] = [room.enter(), room.enter()];
  one.take(6);
  two.take(4);
  expect(room.isFull()).toBe(true);
  expect(() => two.take(1)).toThrow(NoRoom);
  one.leave();
  expect(room.isFull()).toBe(false);
  two.take(6);
});

test("one that is alone is never turned away", () => {
  const room = createReadingRoom(10);
  const one = room.enter();
  one.take(50);
  one.take(50);
  expect(() => room.enter().take(0)).toThrow(NoRoom);
  one.leave();
  room.enter().take(11);
});
