// The order of the test files. Where an earlier run told how long each takes, vitest begins with the longest; in a fresh clone
// it begins with the largest, and then a short file that takes a minute is the last one, while the other processors have
// nothing to do. The longest are also those that start the most processes, and each start takes the longer the more a
// worker holds in memory: at the beginning that is little.
import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The longest of them, the longest first. */
const LONGEST = [
  "e2e/world",
  "hostile/as-go-does",
  "hostile/faults",
  "conformance/direct/random",
  "clients/openapi-fuzz",
  "web/in-a-browser",
  "backup/backup",
  "process/database-pauses",
  "upstream/dependency-proxy-processes",
  "process/many-pushes",
  "upstream/direct-odd-repositories",
  "process/kill",
  "e2e/taken-back",
  "servers/workers",
  "database/embedded-life",
  "intake/every-way",
  "every-door/access-matrix",
  "registry/packages/package-files",
  "process/started-by-npm",
  "web/crawl",
  "e2e/direct-upstream",
  "hostile/cost-of-a-tag",
  "web/documentation",
  "process/embedded-database-breaks",
  "upstream/verification",
  "upstream/dependency-proxy-misbehaviour",
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.indexOf(relative("test", moduleId).replace(/\.test\.ts$/, ""));
      return at === -1 ? LONGEST.length : at;
    };
    const sorted = await super.sort(files);
    const projects = sorted.map(({ project }) => project);
    const inOrder = (a: TestSpecification, b: TestSpecification): number =>
      projects.indexOf(a.project) - projects.indexOf(b.project) || place(a) - place(b);
    return sorted.toSorted(inOrder);
  }
}
