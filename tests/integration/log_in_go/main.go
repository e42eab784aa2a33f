// Checks an exported access log with golang.org/x/mod/sumdb, which nobody here wrote.
//
// Usage: main FOLDER KEY [RECEIPT]. Exits 0 when the checkpoint is signed by the key, every tile and every entry is under
// its root, the log is consistent with each earlier size that is tried, and the receipt holds.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// folder reads tiles from the export; sumdb has the height in their path, tlog-tiles has not.
type folder string

func (f folder) Height() int { return 8 }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		read = append(read, data)
	}
	return read, nil
}

func open(signed []byte, key string) tlog.Tree {
	verifier, err := note.NewVerifier(key)
	check(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	check(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root, err := tlog.ParseHash(lines[2])
	check(err)
	return tlog.Tree{N: size, Hash: root}
}

func entries(f folder, size int64) [][]byte {
	var all [][]byte
	for number := int64(0); number*256 < size; number++ {
		tile := tlog.Tile{H: 8, L: 0, N: number, W: 256}
		if size-number*256 < 256 {
			tile.W = int(size - number*256)
		}
		path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
		bundle, err := os.ReadFile(filepath.Join(string(f), path))
		check(err)
		for len(bundle) > 0 {
			length := int(binary.BigEndian.Uint16(bundle))
			all = append(all, bundle[2:2+length])
			bundle = bundle[2+length:]
		}
	}
	return all
}

func checkReceipt(path string, key string) {
	content, err := os.ReadFile(path)
	check(err)
	above, signed, _ := bytes.Cut(content, []byte("\n\n"))
	lines := strings.Split(string(above), "\n")
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	check(err)
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	check(err)
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		check(err)
		proof = append(proof, hash)
	}
	tree := open(signed, key)
	check(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)))
}

func main() {
	f, key := folder(os.Args[1]), os.Args[2]
	signed, err := os.ReadFile(filepath.Join(string(f), "checkpoint"))
	check(err)
	tree := open(signed, key)
	// Reading through it checks every tile against the root before it is believed.
	reader := tlog.TileHashReader(tree, f)
	for index, entry := range entries(f, tree.N) {
		at := int64(index)
		proof, err := tlog.ProveRecord(tree.N, at, reader)
		check(err)
		check(tlog.CheckRecord(proof, tree.N, tree.Hash, at, tlog.RecordHash(entry)))
	}
	for old := int64(1); old <= tree.N; old += 1 + tree.N/50 {
		root, err := tlog.TreeHash(old, reader)
		check(err)
		proof, err := tlog.ProveTree(tree.N, old, reader)
		check(err)
		check(tlog.CheckTree(proof, tree.N, tree.Hash, old, root))
	}
	if len(os.Args) > 3 {
		checkReceipt(os.Args[3], key)
	}
	fmt.Printf("%d entries\n", tree.N)
}
