// A server below a path of its host: with a path in GOKURA_URL, that path is taken off what is asked for. A reverse proxy may
// have left it there, or taken it off itself, so both are answered.
import type http from "node:http";

export type Handle = (req: http.IncomingMessage, res: http.ServerResponse) => void;

/** Hands requests on with the path of `url` taken off theirs, where it stands there; without a path, `handle` itself. */
export function belowPrefix(url: string | undefined, handle: Handle): Handle {
  const prefix = url === undefined ? "" : new URL(url).pathname.replace(/\/$/, "");
  if (prefix === "") return handle;
  return (req, res) => {
    const asked = req.url ?? "/";
    if (asked.startsWith(prefix) && /^(?:[/?]|$)/.test(asked.slice(prefix.length))) {
      const rest = asked.slice(prefix.length);
      req.url = rest.startsWith("/") ? rest : `/${rest}`;
    }
    handle(req, res);
  };
}
