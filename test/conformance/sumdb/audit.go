// The whole log replayed from its data tiles, and compared with its hashes and its signed head.
package main

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

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
