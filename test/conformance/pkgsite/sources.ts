// A module with something of everything that documentation can hold.
import spdx from "spdx-license-list/full.js";

export const SOURCES: Readonly<Record<string, string>> = {
  "README.md": "# lib\n\nIt limits <things>.\n",
  "lib.go": `// Package lib limits & counts. See [Limiter.Allow], [context.Context] and [sub.T].
//
// # A heading
//
// A list:
//   - one
//   - two, with https://example.com/a?b=1&c=2
//
// And code:
//
//	lib.NewLimiter(1) // "quoted" <b>
package lib

import (
	"context"
	"io"

	"gokura.test/vault/lib/sub"
)

// Max and Min are bounds.
const (
	Max = 10 // the most
	Min = iota
	hidden
)

// Kind is typed.
type Kind int

// Kinds of things.
const (
	First Kind = iota
	Second
)

// Errors that there are.
var (
	ErrNone, ErrAll error = nil, io.EOF
	Table                 = map[string]int{"a": 1}
)

// Default is one.
var Default = NewLimiter(1)

// A Limiter limits.
//
// Deprecated: use nothing.
type Limiter struct {
	// Rate a second.
	Rate int \`json:"rate"\`
	sub.T
	last int
}

// NewLimiter makes one.
func NewLimiter(rate int) *Limiter { return nil }

// Allow says whether.
func (l *Limiter) Allow(ctx context.Context, n int, more ...string) (ok bool, err error) { return true, nil }

func (l Limiter) unexported() {}

// Reader reads.
type Reader interface {
	io.Reader
	// ReadAll reads all.
	ReadAll() ([]byte, error)
	hidden()
}

// Map maps.
type Map[K comparable, V any] struct{ Of map[K]V }

// Get gets.
func (m Map[K, V]) Get(key K) (V, bool) { var v V; return v, false }

// Keys are the keys of m.
func Keys[K comparable, V any](m Map[K, V]) []K { return nil }

// Func is a function.
type Func func(a, b int) error

// Alias is another name.
type Alias = Limiter

// BUG(who): it does nothing.
`,
  "lib_test.go": `package lib_test

import "fmt"

func Example() {
	fmt.Println("whole")
	// Output: whole
}

// It allows.
func ExampleLimiter_Allow_twice() {
	for i := range 2 {
		fmt.Println(i)
	}
	// Unordered output:
	// 1
	// 0
}

func ExampleNewLimiter() {
	fmt.Println("<new>")
}
`,
  "sub/sub.go": `/*
Package sub is below.

It has a block comment.
*/
package sub

import "os"

// T is a type.
type T struct{ A, B int; c *os.File }

// Twice doubles.
func (T) Twice() int { return 2 }
`,
  "sub/LICENSE": spdx["BSD-3-Clause"]!.licenseText,
  "systems/any.go":
    "// Package systems differs.\npackage systems\n\n// Everywhere is everywhere.\nfunc Everywhere() {}\n",
  "systems/systems_windows.go": "package systems\n\n// Registry is on Windows.\nfunc Registry() {}\n",
  "systems/unix.go": "//go:build unix\n\npackage systems\n\n// Fork is on Unix.\nfunc Fork() int { return 0 }\n",
  "cmd/tool/main.go": "// Tool does it.\npackage main\n\nfunc main() {}\n",
  "internal/hidden/hidden.go": "package hidden\n\n// Seen is seen.\nvar Seen, Also = 1, 2\n",
  "testdata/t.go": "package t\n",
  "nothing/nothing.txt": "nothing\n",
};
