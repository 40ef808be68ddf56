// Debian's own sshd on loopback, for the user who runs the tests, with the keys that a test lets in. git runs behind it as it
// does on any machine with repositories.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { atEnd } from "./at-end.ts";
import { freePort } from "./free-port.ts";
import { temporary } from "./temporary.ts";

const SSHD = "/usr/sbin/sshd";

/** Whether it is installed (apt-get install openssh-server). */
export const hasSshd = (() => {
  try {
    accessSync(SSHD, constants.X_OK);
    return true;
  } catch {
    return false;
  }
})();

export interface SshServer {
  /** ssh://USER@127.0.0.1:PORT, and the directory of the repositories: NAME.git is in it. */
  readonly url: string;
  readonly directory: string;
  /** As known_hosts has it. */
  hostKey(): string;
  /** Lets these keys in, and no other. */
  letIn(...publicKeys: string[]): void;
  /** Starts anew, with another key of its own. */
  changeHostKey(): Promise<void>;
}

/** Starts it; it ends after the test file. */
export async function sshServer(): Promise<SshServer> {
  const home = temporary("sshd");
  const directory = join(home, "repositories");
  const authorized = join(home, "authorized_keys");
  mkdirSync(directory);
  writeFileSync(authorized, "");
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true }); // what its service makes
  const port = await freePort();
  let running: ChildProcess;
  let keys = 0;
  const keyFile = (): string => join(home, `host-key-${keys}`);
  const start = async (): Promise<void> => {
    keys++;
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", keyFile()]);
    const config = {
      ...{ Port: port, ListenAddress: "127.0.0.1", HostKey: keyFile(), PidFile: "none" },
      ...{ AuthorizedKeysFile: authorized, StrictModes: "no", UsePAM: "no", AcceptEnv: "GIT_PROTOCOL" },
      ...{ PasswordAuthentication: "no", KbdInteractiveAuthentication: "no", PermitRootLogin: "prohibit-password" },
    };
    const file = join(home, "sshd_config");
    const lines = Object.entries(config).map(([name, value]) => `${name} ${value}\n`);
    writeFileSync(file, lines.join(""));
    running = spawn(SSHD, ["-D", "-e", "-f", file], { stdio: ["ignore", "ignore", "pipe"] });
    for await (const line of running.stderr!) if (String(line).includes("Server listening")) break;
    running.stderr!.resume();
  };
  const stop = async (): Promise<void> => {
    if (running.exitCode !== null) return;
    running.kill();
    await once(running, "exit");
  };
  await start();
  atEnd(stop);
  return {
    url: `ssh://${userInfo().username}@127.0.0.1:${port}${directory}`,
    directory,
    hostKey: () => execFileSync("ssh-keygen", ["-y", "-f", keyFile()], { encoding: "utf8" }).split(" ", 2).join(" "),
    letIn: (...publicKeys) => writeFileSync(authorized, publicKeys.map((key) => `${key}\n`).join("")),
    async changeHostKey() {
      await stop();
      await start();
    },
  };
}
