// What the endpoints of pkg.go.dev's API have in common.
import type { LicenseFile } from "../../registry/modules/license-files.ts";
import { badRequest } from "./api-error.ts";

/** An answer, and whether it stays as it is. */
export interface ApiAnswer {
  readonly body: object;
  readonly pinned: boolean;
}

/** Throws ApiError where an endpoint was given nothing to look for. */
export function demandPath(path: string, message: string, fix: string): void {
  if (path === "") throw badRequest(message, fix);
}

/** Licence files as the API shows them. */
export function licenseAnswers(files: readonly LicenseFile[]): object[] {
  return files.map(({ path, types, text }) => ({ types, filePath: path, contents: text }));
}
