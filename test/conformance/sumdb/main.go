// Auditor looks at a checksum database with golang.org/x/mod/sumdb alone, as the judge of our own code.
//
//	auditor lookup URL KEY MODULE@VERSION…   what Go's client makes of the database, one line of go.sum a line
//	auditor audit URL KEY TOKEN              the whole log replayed from its data tiles, compared with its hashes and head
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	var err error
	switch {
	case len(os.Args) > 3 && os.Args[1] == "lookup":
		err = lookup(os.Args[2], os.Args[3], os.Args[4:])
	case len(os.Args) == 5 && os.Args[1] == "audit":
		err = audit(os.Args[2], os.Args[3], os.Args[4])
	default:
		err = errors.New("usage: auditor lookup URL KEY MODULE@VERSION… | audit URL KEY TOKEN")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func get(url, token string) ([]byte, error) {
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return nil, err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != 200 {
		err = fmt.Errorf("%s: %s: %s", url, answer.Status, body)
	}
	return body, err
}

// ops is a client of one database that remembers in memory, and fails loudly when the log misbehaves.
type ops struct {
	url, key string
	mu       sync.Mutex
	config   map[string][]byte
	cache    map[string][]byte
}

func (o *ops) ReadRemote(path string) ([]byte, error) { return get(o.url+path, "") }

func (o *ops) ReadConfig(file string) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if file == "key" {
		return []byte(o.key), nil
	}
	return o.config[file], nil
}

func (o *ops) WriteConfig(file string, old, new []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !bytes.Equal(o.config[file], old) {
		return sumdb.ErrWriteConflict
	}
	o.config[file] = new
	return nil
}

func (o *ops) ReadCache(file string) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if data, ok := o.cache[file]; ok {
		return data, nil
	}
	return nil, os.ErrNotExist
}

func (o *ops) WriteCache(file string, data []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cache[file] = data
}

func (o *ops) Log(string) {}

func (o *ops) SecurityError(message string) {
	fmt.Fprintln(os.Stderr, "SECURITY ERROR", message)
	os.Exit(2)
}

func lookup(url, key string, names []string) error {
	client := sumdb.NewClient(&ops{url: url, key: key, config: map[string][]byte{}, cache: map[string][]byte{}})
	for _, name := range names {
		path, version, _ := strings.Cut(name, "@")
		for _, what := range []string{version, version + "/go.mod"} {
			lines, err := client.Lookup(path, what)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			fmt.Println(strings.Join(lines, "\n"))
		}
	}
	return nil
}

// hashes of a tree by their storage index.
type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		found[i] = h[at]
	}
	return found, nil
}

func audit(url, key, token string) error {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return err
	}
	latest, err := get(url+"/latest", "")
	if err != nil {
		return err
	}
	opened, err := note.Open(latest, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	tree, err := tlog.ParseTree([]byte(opened.Text))
	if err != nil {
		return err
	}
	var stored hashes
	seen := map[string]bool{}
	var n int64
	for n < tree.N {
		tile := tlog.Tile{H: 8, L: -1, N: n / 256, W: int(min(tree.N-n, 256))}
		data, err := get(url+"/"+tile.Path(), token)
		if err != nil {
			return err
		}
		texts := strings.SplitAfter(string(data), "\n\n")
		if len(texts) != tile.W+1 || texts[tile.W] != "" {
			return fmt.Errorf("%s has %d records", tile.Path(), len(texts)-1)
		}
		for _, text := range texts[:tile.W] {
			text = strings.TrimSuffix(text, "\n")
			name, _, _ := strings.Cut(text, " h1:")
			if seen[name] {
				return fmt.Errorf("%s has two records", name)
			}
			seen[name] = true
			more, err := tlog.StoredHashes(n, []byte(text), stored)
			if err != nil {
				return err
			}
			stored = append(stored, more...)
			n++
		}
	}
	root, err := tlog.TreeHash(n, stored)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return fmt.Errorf("the head says %v, the records say %v", tree.Hash, root)
	}
	tiles := tlog.NewTiles(8, 0, tree.N)
	for _, tile := range tiles {
		theirs, err := get(url+"/"+tile.Path(), "")
		if err != nil {
			return err
		}
		ours, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			return err
		}
		if !bytes.Equal(theirs, ours) {
			return fmt.Errorf("%s is not that of the records", tile.Path())
		}
	}
	fmt.Printf("%d records, %d tiles\n", tree.N, len(tiles))
	return nil
}
