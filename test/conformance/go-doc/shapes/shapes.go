// Package shapes holds what go/printer shows in a way of its own, and few packages have.
package shapes

// Reporter takes an interface whose methods have comments.
func Reporter(r interface {
	// Push is called first.
	Push(int)

	Pop() // last
}, more struct {
	// A is one.
	A int // of them
	// nobody's
}) error {
	return nil
}

// A Tree has structs in columns.
type Tree struct {
	Name     string `json:"name"`
	Children []*struct {
		Leaf  bool `json:"leaf"`
		other int
		Deep  struct {
			A, B int `json:"ab"`
		} `json:"deep"`
	} `json:"children"`
	Size    int               `json:"size"`
	Further map[string]string `json:"further"` // with a comment
}

// Kind has fields that nobody sees.
type Kind struct {
	A int
	b string
}

// Kinds, of which a part is shown.
var (
	Cash     Kind = Kind{b: "cash"}
	Standard Kind = Kind{A: 1, b: "standard"}
	Long          = Kind{
		A: 2,
		b: "long",
	}
)

// Nothing is left of it.
var Nothing = Kind{
	b: "nothing",
}

// Nested has parts of which a part is shown.
var Nested = []*Kind{
	{A: 1, b: "one"},
	{
		b: "two",
	},
	{
		A: 3,
		b: "three",
	},
	{A: 4},
	{b: "five"},
}

// ByName has them as values.
var ByName = map[string]Kind{
	"a": {A: 1, b: "one"},
	"b": {b: "two"},
}
