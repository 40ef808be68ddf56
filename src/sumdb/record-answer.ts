// What a checksum database answers to /lookup: the number of the record, its two lines of go.sum, an empty line, and the
// signed note of a tree that holds it:
//
//   42
//   example.com/mod v1.0.0 h1:…
//   example.com/mod v1.0.0/go.mod h1:…
//
//   go.sum database tree
//   1234
//   <root hash>
//
//   — sum.example.com <signature>
//
// Sources: Go Modules Reference, "Checksum database"; golang.org/x/mod/sumdb (server.go, ServeHTTP); sumdb/tlog (note.go).

const TREE_HEAD = "go.sum database tree\n";

/** Whether bytes have the shape of an answer about a module and version, signed by the named database. */
export function isRecordAnswer(bytes: Buffer, database: string, modulePath: string, version: string): boolean {
  const text = bytes.toString("utf8");
  const [record = "", tree = "", signatures = "", ...more] = text.split("\n\n");
  const [id = "", zipLine = "", modLine = "", ...others] = record.split("\n");
  return (
    more.length === 0 &&
    others.length === 0 &&
    /^\d+$/.test(id) &&
    zipLine.startsWith(`${modulePath} ${version} h1:`) &&
    modLine.startsWith(`${modulePath} ${version}/go.mod h1:`) &&
    isTreeNote(Buffer.from(`${tree}\n\n${signatures}`), database)
  );
}

/** Whether bytes have the shape of a signed tree head of the named database. */
export function isTreeNote(bytes: Buffer, database: string): boolean {
  const text = bytes.toString("utf8");
  return (
    text.startsWith(TREE_HEAD) &&
    /^\d+\n[A-Za-z0-9+/]{43}=\n/.test(text.slice(TREE_HEAD.length)) &&
    text.includes(`\n\n\u2014 ${database} `) &&
    text.endsWith("\n")
  );
}
