// Where the source of a module from elsewhere can be looked at, as a guess by its path: known hosting services have the
// repository in the first elements (cmd/go/internal/vcs, vcsPaths), gopkg.in stands for GitHub (its home page), and
// golang.org/x for Go's own repositories.
import { parseVersionInfo } from "./version-info.ts";

const HOSTS_OF_TWO = ["github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "gitee.com"];
const NAME = /^[A-Za-z0-9_.~-]+$/;

/** The https URL of a module's repository; undefined if the path does not say it. */
export function repositoryUrlOf(modulePath: string): string | undefined {
  const [host = "", first = "", second = "", third] = modulePath.split("/");
  if (![host, first].every((name) => NAME.test(name))) return undefined;
  if (HOSTS_OF_TWO.includes(host))
    return NAME.test(second) ? `https://${host}/${first}/${second.replace(/\.git$/, "")}` : undefined;
  if (host === "golang.org" && first === "x" && NAME.test(second)) return `https://go.googlesource.com/${second}`;
  if (host !== "gopkg.in" || third !== undefined) return undefined;
  const [, name] = /^([A-Za-z0-9_.-]+)\.v\d+(?:-unstable)?$/.exec(second === "" ? first : second) ?? [];
  if (name === undefined) return undefined;
  return second === "" ? `https://github.com/go-${name}/${name}` : `https://github.com/${first}/${name}`;
}

/** The repository that an .info says the version came from, if it is an http(s) URL; without credentials. */
export function repositoryUrlIn(info: Buffer): string | undefined {
  try {
    const text = parseVersionInfo(info)?.originUrl;
    if (text === undefined || text.length > 1000) return undefined;
    const url = new URL(text);
    if (url.protocol !== "https:" && url.protocol !== "http:") return undefined;
    url.username = "";
    url.password = "";
    return url.href;
  } catch {
    return undefined; // no URL: whoever made it meant nothing that could be followed
  }
}
