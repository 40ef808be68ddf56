// Whether commits say what they do, by the rules of CONTRIBUTING.md: a title of at most 72 characters that holds no
// semicolon, for a semicolon joins two things, and a body that says why. Looked at are the commits that no remote has yet
// or, in a repository without remotes, the last 20. What others have already cannot be mended and is left alone.
import { execFileSync } from "node:child_process";

const TITLE_LENGTH = 72;
const WITHOUT_REMOTE = 20;
/** `Signed-off-by: …` and the like at the end of a message (git-interpret-trailers) say who, not why. */
const TRAILER = /^[A-Za-z][A-Za-z-]*: \S/;

const git = (...words: string[]): string => execFileSync("git", words, { encoding: "utf8" });

/** What is wrong with a commit's message; nothing if it is as it should be. */
function faultsOf(message: string): string[] {
  const [title = "", ...rest] = message.trim().split("\n");
  const body = rest.filter((line) => line.trim() !== "" && !TRAILER.test(line));
  const length = [...title].length;
  return [
    ...(length > TITLE_LENGTH ? [`its title has ${length} characters, ${TITLE_LENGTH} are allowed`] : []),
    ...(title.includes(";") ? ["its title has a semicolon: make two commits of two things"] : []),
    ...(body.length === 0 ? ["it has no body that says why"] : []),
  ];
}

const range = git("remote").trim() === "" ? [`--max-count=${WITHOUT_REMOTE}`, "HEAD"] : ["HEAD", "--not", "--remotes"];
const commits = git("rev-list", "--no-merges", ...range)
  .split("\n")
  .filter(Boolean);
for (const commit of commits) {
  const message = git("show", "--no-patch", "--format=%B", commit);
  for (const fault of faultsOf(message)) {
    console.error(`commit ${commit.slice(0, 10)} "${message.split("\n", 1)[0]}": ${fault}`);
    process.exitCode = 1;
  }
}
if (process.exitCode === undefined) console.log(`${commits.length} commits looked at: their messages are in order`);
else console.error("Mend them with git rebase --interactive (CONTRIBUTING.md, Commits).");
