#!/bin/sh
# isomorphic-git 1.44.11 takes a SHA-256 repository for an empty one: listServerRefs, with its default `protocolVersion: 2`,
# resolves with no refs at all, where `git ls-remote` lists them and so does isomorphic-git itself with `protocolVersion: 1`. Who
# follows a remote repository by that list would think that every tag was deleted. The server (git http-backend) says "mismatched
# object format: server sha256; client sha1": in protocol 2 the client names the format of its object ids (gitprotocol-v2,
# "object-format"), who names none is taken for sha1, and what the server then says is not noticed.
# Exits 0 while that is so, and 1 when the refs are listed, or an error says why not.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund isomorphic-git@1.44.11
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.com
for format in sha1 sha256; do
  git init --quiet --object-format=$format --initial-branch main $format
  git -C $format commit --quiet --allow-empty -m first
  git -C $format tag v1.0.0
done
cat >check.mjs <<'END'
import { execFile, execFileSync, spawn } from "node:child_process";
import { createServer } from "node:http";
import { promisify } from "node:util";
import git from "isomorphic-git";
import http from "isomorphic-git/http/node";

const root = process.cwd();
const exec = execFileSync("git", ["--exec-path"], { encoding: "utf8" }).trim();
const server = createServer((req, res) => {
  const { pathname, search } = new URL(req.url, "http://host");
  const env = { ...process.env, GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: "1", PATH_INFO: pathname,
    QUERY_STRING: search.slice(1), REQUEST_METHOD: req.method, CONTENT_TYPE: req.headers["content-type"] ?? "",
    GIT_PROTOCOL: req.headers["git-protocol"] ?? "" };
  const cgi = spawn(`${exec}/git-http-backend`, { env, stdio: ["pipe", "pipe", "ignore"] });
  req.pipe(cgi.stdin);
  const chunks = [];
  cgi.stdout.on("data", (chunk) => chunks.push(chunk)).on("end", () => {
    const all = Buffer.concat(chunks);
    const end = all.indexOf("\r\n\r\n");
    const heads = all.subarray(0, end).toString().split("\r\n").map((line) => line.split(": "));
    const { Status = "200", ...headers } = Object.fromEntries(heads);
    res.writeHead(Number.parseInt(Status, 10), headers).end(all.subarray(end + 4));
  });
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const url = `http://127.0.0.1:${server.address().port}`;
let asTold = true;
for (const format of ["sha1", "sha256"])
  for (const protocolVersion of [1, 2]) {
    let said;
    try {
      const refs = await git.listServerRefs({ http, url: `${url}/${format}/.git`, protocolVersion });
      said = refs.map(({ ref }) => ref).join(" ") || "(none)";
    } catch (error) {
      said = `${error.code}: ${error.message}`;
    }
    console.log(`${format}, isomorphic-git, protocol ${protocolVersion}: ${said}`);
    asTold &&= format === "sha256" && protocolVersion === 2 ? said === "(none)" : said.includes("refs/tags/v1.0.0");
  }
const listed = await promisify(execFile)("git", ["-c", "protocol.version=2", "ls-remote", `${url}/sha256/.git`]);
console.log(`sha256, git ls-remote, protocol 2: ${[...listed.stdout.matchAll(/\t(\S+)/g)].map(([, ref]) => ref).join(" ")}`);
asTold &&= listed.stdout.includes("refs/tags/v1.0.0");
server.close();
process.exit(asTold ? 0 : 1);
END
git --version
node check.mjs
