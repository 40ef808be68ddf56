// Where clients reach the server whose settings a command has, without asking it.
import type { Config } from "../config.ts";
import { invalid } from "../errors.ts";

/** Without a slash at the end. Throws invalid when the settings do not tell. */
export function clientUrl(config: Config): string {
  if (config.url !== undefined) return config.url;
  const { host, port } = config.listen;
  if (port === 0) throw invalid("the server takes a free port each time: set GOKURA_URL, or a port in GOKURA_LISTEN");
  const name = host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return `${config.tls.kind === "off" ? "http" : "https"}://${name}:${port}`;
}
