// The rows of a log, as its database holds them, worked out again from the records alone.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// rows are those of a log: texts of records in their order, full tiles, the unfinished tile of each level, and the signed head.
type rows struct {
	Records []string `json:"records"`
	Tiles   []struct {
		Level  int    `json:"level"`
		Number int64  `json:"number"`
		Bytes  []byte `json:"bytes"`
	} `json:"tiles"`
	Edge [][]byte `json:"edge"`
	Note string   `json:"note"`
}

func replay(key string, input io.Reader) error {
	var log rows
	if err := json.NewDecoder(input).Decode(&log); err != nil {
		return err
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return err
	}
	opened, err := note.Open([]byte(log.Note), note.VerifierList(verifier))
	if err != nil {
		return err
	}
	tree, err := tlog.ParseTree([]byte(opened.Text))
	if err != nil {
		return err
	}
	if tree.N != int64(len(log.Records)) {
		return fmt.Errorf("the head is of %d records, and there are %d", tree.N, len(log.Records))
	}
	var stored hashes
	for n, text := range log.Records {
		more, err := tlog.StoredHashes(int64(n), []byte(text), stored)
		if err != nil {
			return err
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(tree.N, stored)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return fmt.Errorf("the head says %v, the records say %v", tree.Hash, root)
	}
	held := map[string][]byte{}
	for _, tile := range log.Tiles {
		held[tlog.Tile{H: 8, L: tile.Level, N: tile.Number, W: 256}.Path()] = tile.Bytes
	}
	for level, bytes := range log.Edge {
		if width := len(bytes) / tlog.HashSize; width > 0 {
			number := tree.N >> (8 * (level + 1))
			held[tlog.Tile{H: 8, L: level, N: number, W: width}.Path()] = bytes
		}
	}
	tiles := tlog.NewTiles(8, 0, tree.N)
	for _, tile := range tiles {
		ours, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			return err
		}
		if !bytes.Equal(held[tile.Path()], ours) {
			return fmt.Errorf("%s is not that of the records", tile.Path())
		}
	}
	if len(held) != len(tiles) {
		return fmt.Errorf("the log has %d tiles, its records make %d", len(held), len(tiles))
	}
	fmt.Printf("%d records, %d tiles\n", tree.N, len(tiles))
	return nil
}
