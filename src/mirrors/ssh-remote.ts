// Remotes by ssh, with a deploy key. The program is OpenSSH's own ssh, which git starts: it is what forges and git are tried
// with, it is mended by whoever looks after the machine, and a library would have to be a program for git all the same. It
// reads no configuration, asks nobody and forwards nothing; it connects to the address that was checked, as guarded-http.ts does
// for https. The key of the host is pinned when it is first asked, and no other is taken later. The private key lies in a file of
// its own for the time of one look, because ssh takes none from anywhere else.
// Sources: ssh_config(5) (HostKeyAlias, StrictHostKeyChecking accept-new, BatchMode), git(1) (GIT_SSH_COMMAND), git-ls-remote(1).
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Failure, notFound } from "../errors.ts";
import { gitEnvironment } from "../git/process/git-environment.ts";
import { GitError, runGit } from "../git/process/git-process.ts";
import { fingerprintOf } from "../registry/forge/deploy-key.ts";
import { type RemoteRefs, summaryOf, type ToldRef } from "./remote-refs.ts";

/** A look that takes longer came to nothing. */
const LOOK_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_SECONDS = 10;
/** 100,000 refs and more. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** So many addresses of a host are tried. */
const MAX_ADDRESSES = 3;
/** What the host is called in the file of known hosts, whatever its address. */
const HOST_ALIAS = "remote";

/** What one look by ssh needs. */
export interface SshLook {
  /** ssh://USER@HOST/PATH */
  readonly url: string;
  /** Where the host is: nothing else is connected to. */
  readonly addresses: readonly string[];
  readonly key: { readonly publicKey: string; readonly privateKey: string };
  /** The pinned key of the host; null: whichever it shows is taken, and given to `pin`. */
  readonly hostKey: string | null;
  /** Hears which key the host showed, before it let us in, or did not. */
  readonly pin: (hostKey: string) => Promise<void>;
  /** A directory for files that live as long as the look. */
  readonly scratch: string;
}

/** A remote, for the time of one look. */
export interface SshRemote {
  /** Asks for its refs. Throws unavailable and not-found with a sentence for the owner of the mirror. */
  read(signal: AbortSignal): Promise<RemoteRefs>;
  /** The environment in which git fetches from where it was read. */
  environment(): NodeJS.ProcessEnv;
}

/** Lays the files of a look down, and takes them away after it. */
export async function withSsh<T>(look: SshLook, work: (remote: SshRemote) => Promise<T>): Promise<T> {
  const directory = join(look.scratch, randomUUID());
  const files = { key: join(directory, "key"), knownHosts: join(directory, "known_hosts") };
  await mkdir(directory, { recursive: true, mode: 0o700 });
  try {
    await writeFile(files.key, look.key.privateKey, { mode: 0o600 });
    await writeFile(files.knownHosts, look.hostKey === null ? "" : `${HOST_ALIAS} ${look.hostKey}\n`);
    let address = look.addresses[0]!;
    return await work({
      environment: () => environmentOf(look, files, address),
      async read(signal) {
        const bounds = AbortSignal.any([signal, AbortSignal.timeout(LOOK_TIMEOUT_MS)]);
        for (const [n, next] of look.addresses.slice(0, MAX_ADDRESSES).entries()) {
          address = next;
          try {
            return await refsOf(look, environmentOf(look, files, address), bounds);
          } catch (error) {
            if (signal.aborted) throw error;
            if (bounds.aborted) throw unavailable(look.url, `does not answer within ${LOOK_TIMEOUT_MS / 1000} s`);
            if (error instanceof NotConnected && n + 1 < look.addresses.length) continue;
            throw error;
          } finally {
            await pinShown(look, files.knownHosts);
          }
        }
        throw unavailable(look.url, "has no address");
      },
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function pinShown({ hostKey, pin }: SshLook, knownHosts: string): Promise<void> {
  if (hostKey !== null) return;
  const [, kind, key] = /^\S+ (\S+) (\S+)$/m.exec(await readFile(knownHosts, "utf8")) ?? [];
  if (key !== undefined) await pin(`${kind} ${key}`);
}

function environmentOf(
  { hostKey }: SshLook,
  files: { readonly key: string; readonly knownHosts: string },
  address: string,
): NodeJS.ProcessEnv {
  const options = {
    HostName: address,
    HostKeyAlias: HOST_ALIAS,
    UserKnownHostsFile: files.knownHosts,
    GlobalKnownHostsFile: "/dev/null",
    StrictHostKeyChecking: hostKey === null ? "accept-new" : "yes",
    HashKnownHosts: "no",
    UpdateHostKeys: "no",
    CheckHostIP: "no",
    VerifyHostKeyDNS: "no",
    IdentitiesOnly: "yes",
    IdentityAgent: "none",
    PreferredAuthentications: "publickey",
    BatchMode: "yes",
    ClearAllForwardings: "yes",
    ForwardAgent: "no",
    ForwardX11: "no",
    ControlMaster: "no",
    ControlPath: "none",
    PermitLocalCommand: "no",
    ProxyCommand: "none",
    ConnectTimeout: String(CONNECT_TIMEOUT_SECONDS),
    ServerAliveInterval: "15",
    ServerAliveCountMax: "2",
    LogLevel: "ERROR",
  };
  const words = ["ssh", "-F", "none", "-i", files.key, "-T"];
  for (const [name, value] of Object.entries(options)) words.push("-o", `${name}=${value}`);
  return {
    ...gitEnvironment({ transports: ["ssh"] }),
    GIT_SSH_COMMAND: words.map(quoted).join(" "),
    GIT_SSH_VARIANT: "ssh",
  };
}

/** A word of a shell's, whatever is in it. */
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

async function refsOf(look: SshLook, environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<RemoteRefs> {
  const { url } = look;
  const args = ["ls-remote", "--symref", "--end-of-options", url];
  const options = { environment, signal, lane: "none", maxOutputBytes: MAX_ANSWER_BYTES } as const;
  const told = await runGit(undefined, args, options).catch((error: unknown) => {
    throw error instanceof GitError ? inWords(error, look) : error;
  });
  const refs: ToldRef[] = [];
  let target: string | undefined;
  for (const line of told.toString("utf8").split("\n")) {
    const [value = "", ref = ""] = line.split("\t");
    if (value.startsWith("ref: ") && ref === "HEAD") target = value.slice("ref: ".length);
    else if (/^[0-9a-f]{40,64}$/.test(value) && !ref.endsWith("^{}"))
      refs.push({ ref, oid: value, ...(ref === "HEAD" && target !== undefined ? { target } : {}) });
  }
  const objectFormat = refs[0]?.oid.length === 64 ? "sha256" : "sha1";
  return { url, objectFormat, ...summaryOf(refs) };
}

/** The host could not be connected to: another of its addresses may do. */
class NotConnected extends Failure {
  constructor(url: string) {
    super("unavailable", `${new URL(url).host} cannot be connected to by ssh`, { reason: "upstream_unavailable" });
  }
}

/** What ssh or the other side said, as a sentence that says what to do. */
function inWords(error: GitError, { url, key, hostKey, scratch }: SshLook): Failure {
  // Where a server keeps things is nobody's business.
  const stderr = error.stderr.replaceAll(scratch, "");
  if (/Host key verification failed|REMOTE HOST IDENTIFICATION|no matching host key/i.test(stderr))
    return unavailable(
      url,
      `does not show the host key that was pinned${hostKey === null ? "" : ` (${fingerprintOf(hostKey)})`}: if it was changed on purpose, have the mirror forget it`,
    );
  if (/Permission denied|Too many authentication failures/i.test(stderr))
    return unavailable(url, `does not let us in: give the repository there this deploy key: ${key.publicKey}`);
  if (/ssh: connect to host|Connection (?:timed out|refused)|kex_exchange_identification|banner/i.test(stderr))
    return new NotConnected(url);
  if (/cannot run ssh|ssh: not found|ssh: No such file/i.test(stderr))
    return new Failure("unavailable", "there is no ssh on this machine: install OpenSSH's client (openssh-client)", {
      mustAct: true,
    });
  if (/not found|does not appear to be a git repository|does not exist/i.test(stderr))
    return notFound(`${new URL(url).host} has no such repository, or none that this deploy key may read`);
  const said = /^(?:remote: |ERROR: |fatal: |error: )*(.+)$/m.exec(stderr)?.[1];
  return unavailable(url, `broke off${said === undefined ? "" : `: ${said}`}`);
}

function unavailable(url: string, what: string): Failure {
  return new Failure("unavailable", `${new URL(url).host} ${what}`, { reason: "upstream_unavailable" });
}
