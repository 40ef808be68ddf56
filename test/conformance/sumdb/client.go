// Go's own client of checksum databases: asked about some names at once, or about one after the other while it remembers.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb"
)

// ops is a client of one database that remembers in memory.
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

func (o *ops) forgetTiles() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cache = map[string][]byte{}
}

func (o *ops) Log(string) {}

func (o *ops) SecurityError(message string) {
	fmt.Fprintln(os.Stderr, "SECURITY ERROR", message)
}

func newOps(url, key string) *ops {
	return &ops{url: url, key: key, config: map[string][]byte{}, cache: map[string][]byte{}}
}

// sums returns the two lines of go.sum of MODULE@VERSION.
func sums(client *sumdb.Client, name string) ([]string, error) {
	path, version, _ := strings.Cut(name, "@")
	var both []string
	for _, what := range []string{version, version + "/go.mod"} {
		lines, err := client.Lookup(path, what)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		both = append(both, lines...)
	}
	return both, nil
}

func lookup(url, key string, names []string) error {
	client := sumdb.NewClient(newOps(url, key))
	for _, name := range names {
		lines, err := sums(client, name)
		if err != nil {
			return err
		}
		fmt.Println(strings.Join(lines, "\n"))
	}
	return nil
}

// said is what the client makes of a question.
type said struct {
	Lines []string `json:"lines,omitempty"`
	Error string   `json:"error,omitempty"`
	// Head is the signed note of the newest head that the client believes.
	Head string `json:"head"`
}

// converse answers a MODULE@VERSION a line, in JSON. An empty line makes another client that remembers the head alone, as the
// go command does after "go clean -modcache".
func converse(url, key string) error {
	ops := newOps(url, key)
	client := sumdb.NewClient(ops)
	questions := bufio.NewScanner(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for questions.Scan() {
		if questions.Text() == "" {
			ops.forgetTiles()
			client = sumdb.NewClient(ops)
			continue
		}
		var answer said
		lines, err := sums(client, questions.Text())
		if err != nil {
			answer.Error = err.Error()
		}
		answer.Lines = lines
		name, _, _ := strings.Cut(key, "+")
		latest, err := ops.ReadConfig(name + "/latest")
		if err != nil {
			return err
		}
		answer.Head = string(latest)
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return questions.Err()
}
