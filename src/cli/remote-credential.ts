// What commands are given to be let in elsewhere: a password or token, or the private key of a GitHub App. Both come by standard
// input, where other processes and histories do not see them.
import { InvalidArgumentError } from "commander";
import type { GitHubApp, RemoteCredential } from "../registry/forge/remote-url.ts";
import { readPassword } from "./password.ts";

export const APP_OPTION = [
  "--github-app <id>",
  "a GitHub App, by its number or client ID; --password-stdin then reads its private key",
] as const;
export const INSTALLATION_OPTION = ["--installation <id>", "the number of the app's installation there"] as const;

export interface CredentialOptions {
  readonly user?: string;
  readonly passwordStdin?: boolean;
  readonly githubApp?: string;
  readonly installation?: string;
}

/** Reads the credential that the options speak of; undefined: none. */
export async function credentialGiven(options: CredentialOptions): Promise<RemoteCredential | GitHubApp | undefined> {
  const { user, passwordStdin = false, githubApp: appId, installation: installationId } = options;
  if (user !== undefined && !passwordStdin) throw new InvalidArgumentError("--user goes with --password-stdin.");
  if ((appId === undefined) !== (installationId === undefined))
    throw new InvalidArgumentError("--github-app and --installation go together.");
  if (!passwordStdin) {
    if (appId !== undefined) throw new InvalidArgumentError("--github-app goes with --password-stdin.");
    return undefined;
  }
  const secret = await readPassword();
  if (appId === undefined || installationId === undefined) return { username: user ?? "git", password: secret };
  return { appId, installationId, privateKey: secret };
}
