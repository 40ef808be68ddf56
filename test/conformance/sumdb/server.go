// Go's own server of a checksum database, of an empty log that is told what to append: each name has sums that follow from it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/tlog"
)

// sumsFromName are the lines of a record: the hash of a leaf that is the name.
func sumsFromName(path, version string) ([]byte, error) {
	if strings.HasPrefix(path, "absent.test/") {
		return nil, fs.ErrNotExist
	}
	name := path + "@" + version
	zip, mod := tlog.RecordHash([]byte(name)), tlog.RecordHash([]byte(name+"/go.mod"))
	return fmt.Appendf(nil, "%s %s h1:%s\n%s %s/go.mod h1:%s\n", path, version, zip, path, version, mod), nil
}

// log is Go's log for tests, which panics when it is asked for a tile that it does not have yet.
type log struct{ *sumdb.TestServer }

func (l log) ReadTileData(ctx context.Context, tile tlog.Tile) (data []byte, err error) {
	defer func() {
		if recover() != nil {
			err = fs.ErrNotExist
		}
	}()
	return l.TestServer.ReadTileData(ctx, tile)
}

// serve serves until it is killed. It says its URL on a line. POST /append?from=N&count=M appends the records of
// example.com/mN@v1.0.0 and those that follow; a lookup appends, too, if there is no record (sumdb.TestServer).
func serve(signerKey string) error {
	ops := log{sumdb.NewTestServer(signerKey, sumsFromName)}
	database := sumdb.NewServer(ops)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "POST" {
			database.ServeHTTP(w, r)
			return
		}
		from, err := strconv.Atoi(r.FormValue("from"))
		count, other := strconv.Atoi(r.FormValue("count"))
		for n := from; n < from+count && err == nil; n++ {
			_, err = ops.Lookup(r.Context(), module.Version{Path: fmt.Sprintf("example.com/m%d", n), Version: "v1.0.0"})
		}
		if err := errors.Join(err, other); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}))
}
