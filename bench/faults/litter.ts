// What nobody wants to find in a data directory: files that were made on the way to something and belong to nobody.
import { readdirSync } from "node:fs";
import { join } from "node:path";

const LITTER = [
  /(?:^|\/)repositories\/.*\.lock$/,
  /(?:^|\/)repositories\/.*\/objects\/tmp_objdir-[^/]*$/,
  /(?:^|\/)repositories\/.*\/tmp_(?:pack|idx|obj|rev)_[^/]*$/,
  /(?:^|\/)repositories\/[^/]*\.new-[^/]*$/,
  /(?:^|\/)postgres\/(?:cluster|password|postgresql-\d+\.\d+)\.\d+(?:\.pw)?$/,
  /(?:^|\/)tls\/[^/]*\.new$/,
];

/** The litter in a data directory, by its paths. */
export function litterIn(data: string): string[] {
  const parts = ["repositories", "postgres", "tls"].flatMap((part) => {
    try {
      // of the cluster itself PostgreSQL takes care
      return readdirSync(join(data, part), { recursive: part !== "postgres", encoding: "utf8" }).map((name) =>
        join(part, name),
      );
    } catch {
      return [];
    }
  });
  return parts.filter((path) => LITTER.some((pattern) => pattern.test(path)));
}
