// What golang.org/x/mod says about checksum databases: notes, heads, records, paths of tiles, hashes and proofs of trees.
package main

import (
	"encoding/base64"
	"errors"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// memory holds the hashes of a tree by their storage index.
type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at >= int64(len(m)) {
			return nil, errors.New("beyond the tree")
		}
		hashes[i] = m[at]
	}
	return hashes, nil
}

func treeOf(texts []string) (memory, error) {
	var m memory
	for n, text := range texts {
		hashes, err := tlog.StoredHashes(int64(n), []byte(text), m)
		if err != nil {
			return nil, err
		}
		m = append(m, hashes...)
	}
	return m, nil
}

func hashesIn(texts []string) []tlog.Hash {
	hashes := make([]tlog.Hash, len(texts))
	for i, text := range texts {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			panic(err)
		}
		hashes[i] = hash
	}
	return hashes
}

func proofOf(hashes []tlog.Hash, err error) any {
	if err != nil {
		return refusal{err.Error()}
	}
	texts := make([]string, len(hashes))
	for i, hash := range hashes {
		texts[i] = hash.String()
	}
	return texts
}

func init() {
	ops["signer"] = func(args func(...any)) any {
		signer, err := note.NewSigner(text(args))
		if err != nil {
			return refusal{err.Error()}
		}
		return answer{"name": signer.Name(), "hash": signer.KeyHash()}
	}
	ops["verifier"] = func(args func(...any)) any {
		verifier, err := note.NewVerifier(text(args))
		if err != nil {
			return refusal{err.Error()}
		}
		return answer{"name": verifier.Name(), "hash": verifier.KeyHash()}
	}
	ops["sign"] = func(args func(...any)) any {
		var skey, message string
		args(&skey, &message)
		signer, err := note.NewSigner(skey)
		if err != nil {
			return refusal{err.Error()}
		}
		return either(func() (string, error) {
			signed, err := note.Sign(&note.Note{Text: message}, signer)
			return base64.StdEncoding.EncodeToString(signed), err
		}())
	}
	ops["open"] = func(args func(...any)) any {
		var message string
		var keys []string
		args(&message, &keys)
		bytes, err := base64.StdEncoding.DecodeString(message)
		if err != nil {
			panic(err)
		}
		var verifiers []note.Verifier
		for _, key := range keys {
			verifier, err := note.NewVerifier(key)
			if err != nil {
				panic(err)
			}
			verifiers = append(verifiers, verifier)
		}
		opened, err := note.Open(bytes, note.VerifierList(verifiers...))
		if err != nil {
			return refusal{err.Error()}
		}
		return answer{"text": opened.Text}
	}
	ops["parseTree"] = func(args func(...any)) any {
		tree, err := tlog.ParseTree([]byte(text(args)))
		if err != nil {
			return refusal{err.Error()}
		}
		return answer{"size": tree.N, "root": tree.Hash.String()}
	}
	ops["parseRecord"] = func(args func(...any)) any {
		id, record, rest, err := tlog.ParseRecord(data(args))
		if err != nil {
			return refusal{err.Error()}
		}
		return answer{"id": id, "text": string(record), "rest": string(rest)}
	}
	ops["tilePath"] = func(args func(...any)) any {
		var level, width int
		var number int64
		args(&level, &number, &width)
		return tlog.Tile{H: 8, L: level, N: number, W: width}.Path()
	}
	ops["parseTilePath"] = func(args func(...any)) any {
		tile, err := tlog.ParseTilePath(text(args))
		if err != nil || tile.H != 8 {
			return nil
		}
		return answer{"level": tile.L, "number": tile.N, "width": tile.W}
	}
	// tree is everything about the tree of some records: its root, tiles (level, number, width), proofs of records, and of
	// smaller trees.
	ops["tree"] = func(args func(...any)) any {
		var texts []string
		var tiles [][3]int64
		var records, olders []int64
		args(&texts, &tiles, &records, &olders)
		m, err := treeOf(texts)
		if err != nil {
			return refusal{err.Error()}
		}
		size := int64(len(texts))
		root, err := tlog.TreeHash(size, m)
		if err != nil {
			return refusal{err.Error()}
		}
		bytes := make([]any, len(tiles))
		for i, t := range tiles {
			bytes[i] = either(tlog.ReadTileData(tlog.Tile{H: 8, L: int(t[0]), N: t[1], W: int(t[2])}, m))
		}
		recordProofs := make([]any, len(records))
		for i, n := range records {
			proof, err := tlog.ProveRecord(size, n, m)
			recordProofs[i] = proofOf(proof, err)
		}
		treeProofs := make([]any, len(olders))
		for i, n := range olders {
			proof, err := tlog.ProveTree(size, n, m)
			treeProofs[i] = proofOf(proof, err)
		}
		return answer{"root": root.String(), "tiles": bytes, "recordProofs": recordProofs, "treeProofs": treeProofs}
	}
	ops["checkRecord"] = func(args func(...any)) any {
		var proof []string
		var size, id int64
		var root, leaf string
		args(&proof, &size, &root, &id, &leaf)
		hashes := hashesIn([]string{root, leaf})
		return tlog.CheckRecord(hashesIn(proof), size, hashes[0], id, hashes[1]) == nil
	}
}
