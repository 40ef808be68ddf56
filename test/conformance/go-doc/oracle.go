// What go/doc and go/doc/comment say about packages: reads directories, one a line, and writes a JSON line for each, or
// for one without a package `null`. Files are chosen as for linux/amd64 with cgo.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"go/ast"
	"go/build"
	"go/doc"
	"go/format"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

type entry struct {
	Kind   string   `json:"kind"`
	Parent string   `json:"parent"`
	Names  []string `json:"names"`
	Recv   string   `json:"recv"`
	Doc    string   `json:"doc"`
	Text   string   `json:"text"`
}

type example struct {
	Target string `json:"target"`
	Suffix string `json:"suffix"`
	Doc    string `json:"doc"`
	Output string `json:"output"`
	Code   string `json:"code"`
}

type written struct {
	Text     string `json:"text"`
	HTML     string `json:"html"`
	Markdown string `json:"markdown"`
	Lines    string `json:"lines"`
	Indented string `json:"indented"`
}

type note struct {
	Marker string `json:"marker"`
	UID    string `json:"uid"`
	Body   string `json:"body"`
}

type pkg struct {
	Name     string    `json:"name"`
	Doc      string    `json:"doc"`
	Synopsis string    `json:"synopsis"`
	Imports  []string  `json:"imports"`
	Entries  []entry   `json:"entries"`
	Examples []example `json:"examples"`
	Notes    []note    `json:"notes"`
	Comments []written `json:"comments"`
	Files    []string  `json:"files"`
}

func main() {
	out := json.NewEncoder(os.Stdout)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		out.Encode(read(in.Text()))
	}
}

func read(dir string) *pkg {
	context := build.Default
	context.GOOS, context.GOARCH, context.CgoEnabled = "linux", "amd64", true
	fset := token.NewFileSet()
	var files []*ast.File
	var names []string
	matches, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, path := range matches {
		if ok, err := context.MatchFile(dir, filepath.Base(path)); !ok || err != nil {
			continue
		}
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return nil
		}
		files = append(files, file)
		if !strings.HasSuffix(path, "_test.go") {
			names = append(names, filepath.Base(path))
		}
	}
	if len(names) == 0 {
		return nil
	}
	p, err := doc.NewFromFiles(fset, files, "example.com/p")
	if err != nil {
		return nil
	}
	got := &pkg{Name: p.Name, Doc: p.Doc, Synopsis: p.Synopsis(p.Doc), Imports: p.Imports, Files: names}
	seen := map[string]bool{}
	show := func(text string) {
		if text == "" || seen[text] {
			return
		}
		seen[text] = true
		indented := p.Printer()
		indented.TextPrefix, indented.TextCodePrefix = "\t", "\t\t"
		got.Comments = append(got.Comments, written{text, string(p.HTML(text)), string(p.Markdown(text)),
			string(p.Text(text)), string(indented.Text(p.Parser().Parse(text)))})
	}
	show(p.Doc)
	text := func(node any) string {
		var b bytes.Buffer
		format.Node(&b, fset, node)
		return b.String()
	}
	examples := func(target string, list []*doc.Example) {
		for _, e := range list {
			var b bytes.Buffer
			format.Node(&b, fset, &printer.CommentedNode{Node: e.Code, Comments: e.Comments})
			got.Examples = append(got.Examples, example{target, e.Suffix, e.Doc, e.Output, b.String()})
		}
	}
	values := func(kind, parent string, list []*doc.Value) {
		for _, v := range list {
			got.Entries = append(got.Entries, entry{kind, parent, v.Names, "", v.Doc, text(v.Decl)})
			show(v.Doc)
		}
	}
	funcs := func(kind, parent string, list []*doc.Func) {
		for _, f := range list {
			got.Entries = append(got.Entries, entry{kind, parent, []string{f.Name}, f.Recv, f.Doc, text(f.Decl)})
			show(f.Doc)
			target := f.Name
			if f.Recv != "" {
				target = parent + "." + f.Name
			}
			examples(target, f.Examples)
		}
	}
	examples("", p.Examples)
	values("const", "", p.Consts)
	values("var", "", p.Vars)
	funcs("func", "", p.Funcs)
	for _, t := range p.Types {
		got.Entries = append(got.Entries, entry{"type", "", []string{t.Name}, "", t.Doc, text(t.Decl)})
		show(t.Doc)
		examples(t.Name, t.Examples)
		values("const", t.Name, t.Consts)
		values("var", t.Name, t.Vars)
		funcs("func", t.Name, t.Funcs)
		funcs("method", t.Name, t.Methods)
	}
	for marker, list := range p.Notes {
		for _, n := range list {
			got.Notes = append(got.Notes, note{marker, n.UID, n.Body})
		}
	}
	return got
}
