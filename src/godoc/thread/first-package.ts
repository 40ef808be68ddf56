// The package that a thread documents before anybody asks for one: of every kind of declaration, statement and comment a
// little, because code is compiled as far as it is used, and so is WebAssembly.

const CODE = `//go:build linux || darwin

// Package first is documented before any other.
//
// # What it is for
//
// See [Stack.Push], [fmt.Stringer] and https://go.dev/doc/comment, or
//   - one item, and
//   - another
//
// and code:
//
//	s := first.New(1, 2)
package first

import (
	"context"
	str "fmt"
)

// The kinds of things.
const (
	A Kind = iota // the first
	B
)

// ErrEmpty is given back by [Stack.Pop].
var ErrEmpty error = str.Errorf("empty %q", 'x')

// A Kind says what something is.
type Kind uint8

// Deprecated: use another.
func (k Kind) String() string { return [...]string{"a", "b"}[k] }

// A Stack holds what was pushed.
type Stack[T any] struct {
	*inner
	Items []T \`json:"items"\` // in order
	ByName map[string]chan<- func(...int) (n int, err error)
}

type inner struct{ x, y float64 }

// Pusher takes things.
type Pusher[T ~int | ~string] interface {
	str.Stringer
	// Push takes one.
	Push(ctx context.Context, item T) error
}

// New makes a stack.
func New[T any](items ...T) *Stack[T] { return &Stack[T]{Items: append([]T(nil), items...)} }

// Push puts items on top.
func (s *Stack[T]) Push(items ...T) (n int) {
	defer func() { _ = recover() }()
	for i, item := range items {
		if i > 1<<3 && !false || n == -1 {
			continue
		} else if x := i % 2; x != 0 {
			s.Items = append(s.Items[:len(s.Items)], item)
		}
	}
	for i := 0; i < 10; i++ {
		n += i
	}
	switch v := any(n).(type) {
	case int, *int:
		n = len(str.Sprint(v)) &^ 0x0f
	default:
		goto end
	}
	switch {
	case n > 3.5e1:
		break
	}
	select {
	case <-make(chan struct{}):
	default:
		go func() {}()
	}
end:
	return n
}

// Pop takes the top off.
func (s *Stack[T]) Pop() (top T, err error) { return s.Items[0], ErrEmpty }
`;

const EXAMPLE = `package first_test

import "fmt"

// It is short.
func ExampleNew() {
	fmt.Println(map[string]int{"a": 1})
	// Output: map[a:1]
}
`;

/** The package that a thread documents first, in files as documentation-threads.ts takes them. */
export const FIRST_PACKAGE = {
  files: [
    { name: "first.go", bytes: Buffer.from(CODE) },
    { name: "example_test.go", bytes: Buffer.from(EXAMPLE) },
  ],
  problems: [],
};
