// Symbols in one line, as pkgsite has them (internal/godoc/dochtml/internal/render/synopsis.go).
import { expect, test } from "vitest";
import { documentPackage } from "../../src/godoc/package/package-documentation.ts";
import { symbolsOf } from "../../src/godoc/package/symbols.ts";
import { loadGoParser } from "../../src/godoc/source/go-source.ts";

const SOURCE = `package p

const (
	A, b = 1, 2
	C    = "x"
)

var V, W map[string]int = nil, map[string]int{"a": 1}
var Err = errors.New("p: {not} a brace")
var Table = []struct{ X int }{
	{1}, // one
}

func F[K comparable, V any](m map[K]V, f func(a, b int) (c struct{ X int }), more ...interface{}) (n int, err error) { return }
func Long(firstOfThem, secondOfThem, thirdOfThem string, fourthOfThem, fifthOfThem map[string]string, sixth bool) {}
func One() (error)

type T[K any] struct {
	// X is.
	X, Y int
	in   int
}

func (t *T[K]) Do(
	a int,
	b string,
) error { return nil }

type Empty struct{}
type I interface { Read(p []byte) (n int, err error) }
type Fn func(a, b int) error
type Al = T[int]

func NewT() *T[int]
`;

test("symbols come in the order of pkg.go.dev's API, each in one line", async () => {
  const found = documentPackage(await loadGoParser(), [{ name: "p.go", text: SOURCE }]);
  const lines = symbolsOf(found!.builds[0]!.doc).map(({ kind, name, synopsis }) => `${kind} ${name}: ${synopsis}`);
  expect(lines).toEqual([
    "Constant A: const A",
    "Constant C: const C",
    'Variable Err: var Err = errors.New("p: {not} a brace")',
    "Variable Table: var Table = []struct{ ... }{ ... }",
    "Variable V: var V map[string]int = nil ...",
    "Variable W: var W map[string]int = nil ...",
    "Function F: func F[K comparable, V any](m map[K]V, f func(a, b int) (c struct{ ... }), more ...interface{}) (n int, err error)",
    "Function Long: func Long(firstOfThem, secondOfThem, thirdOfThem string, ...)",
    "Function One: func One() error",
    "Type Al: type Al = T[int]",
    "Type Empty: type Empty struct{}",
    "Type Fn: type Fn func(a, b int) error",
    "Type I: type I interface{ ... }",
    "Method I.Read: Read func(p []byte) (n int, err error)",
    "Type T: type T struct{ ... }",
    "Function NewT: func NewT() *T[int]",
    "Field T.X: X int",
    "Field T.Y: Y int",
    "Method T.Do: func (t *T[K]) Do(a int, b string) error",
  ]);
});
