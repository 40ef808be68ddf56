// git takes a push only if all that its refs reach is there, and walks from them until it meets what other refs reach (`git
// rev-list --objects --stdin --not --exclude-hidden=receive --all`, connected.c). It reads every one of these refs and what
// they name, which for 50,000 tags takes four times as long as the rest of a push of one. Refs that are hidden are left out of
// that (since git 2.39, which is the oldest that we take). So while a few refs are pushed most tags are hidden: the branches
// stay, what is pushed, and the tags beside it, on one of which it most likely stands. What is reached from none of these is
// walked through to its end, which takes longer and comes to the same.
import { TAGS } from "../../registry/forge/ref-names.ts";
import type { RefCommand } from "./push-commands.ts";

/** With more tags than this in a push git compares with all: each that is shown is looked for at every ref. */
const FEW = 10;

/** Whether git may compare with some refs alone while these are pushed; else it is to compare with all. */
export function areFew(commands: readonly RefCommand[]): boolean {
  return namesOfTags(commands).length <= FEW;
}

/**
 * Settings by which git compares a few refs that are pushed with branches, with themselves and with some tags, by full names.
 * None, so that it compares with all refs, where no such tags are given.
 */
export function comparedRefs(
  commands: readonly RefCommand[],
  beside: readonly string[] | undefined,
): readonly (readonly [string, string])[] {
  const names = namesOfTags(commands);
  // A setting is text: a name that is none would stay hidden, and what is hidden cannot be pushed.
  if (beside === undefined || names.some((name) => name.includes("\uFFFD"))) return [];
  const shown = [...names, ...beside].map((name) => ["receive.hideRefs", `!${name}`] as const);
  return [["receive.hideRefs", TAGS.slice(0, -1)], ...shown];
}

function namesOfTags(commands: readonly RefCommand[]): string[] {
  return commands.map(({ name }) => name).filter((name) => name.startsWith(TAGS));
}
