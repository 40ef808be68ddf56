// gokura version
import type { Command } from "commander";
import { PRODUCT_VERSION } from "../config.ts";
import { JSON_OPTION } from "./options.ts";
import { printOne } from "./output.ts";

export function addVersionCommand(program: Command): void {
  program
    .command("version")
    .description("print the versions of gokura and of the Node that runs it")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura version --json")
    .action(({ json = false }) => printOne({ gokura: PRODUCT_VERSION, node: process.version }, json));
}
