// gokura version
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { JSON_OPTION } from "./options.ts";
import { printOne } from "./output.ts";

/** As package.json says. */
export const PRODUCT_VERSION: string = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
).version;

export function addVersionCommand(program: Command): void {
  program
    .command("version")
    .description("print the versions of gokura and of the Node that runs it")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura version --json")
    .action(({ json = false }) => printOne({ gokura: PRODUCT_VERSION, node: process.version }, json));
}
