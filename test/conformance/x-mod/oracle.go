// Oracle answers what golang.org/x/mod says, so that the tests can compare it with src/gomod. It reads one JSON request
// {"op", "args"} to a line and writes one JSON answer to a line, in the same order. A refusal is {"error": "..."}.
package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"
	"unicode"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"
)

type answer map[string]any

type refusal struct {
	Error string `json:"error"`
}

func either(value any, err error) any {
	if err != nil {
		return refusal{err.Error()}
	}
	return value
}

func reason(err error) any {
	if err != nil {
		return err.Error()
	}
	return nil
}

// ops answer requests by their arguments, still in JSON.
var ops = map[string]func(args func(...any)) any{
	"checkPath":     func(args func(...any)) any { return reason(module.CheckPath(text(args))) },
	"checkFilePath": func(args func(...any)) any { return reason(module.CheckFilePath(text(args))) },
	"escapePath":    func(args func(...any)) any { return either(module.EscapePath(text(args))) },
	"unescapePath":  func(args func(...any)) any { return either(module.UnescapePath(text(args))) },
	"escapeVersion": func(args func(...any)) any { return either(module.EscapeVersion(text(args))) },
	"unescapeVersion": func(args func(...any)) any {
		return either(module.UnescapeVersion(text(args)))
	},
	"splitPathMajor": func(args func(...any)) any {
		prefix, pathMajor, ok := module.SplitPathVersion(text(args))
		if !ok {
			return nil
		}
		return answer{"prefix": prefix, "pathMajor": pathMajor}
	},
	"checkPathMajor": func(args func(...any)) any {
		var version, pathMajor string
		args(&version, &pathMajor)
		return reason(module.CheckPathMajor(version, pathMajor))
	},
	"matchPrefixPatterns": func(args func(...any)) any {
		var globs, target string
		args(&globs, &target)
		return module.MatchPrefixPatterns(globs, target)
	},
	"version": func(args func(...any)) any {
		v := text(args)
		rev, revErr := module.PseudoVersionRev(v)
		base, baseErr := module.PseudoVersionBase(v)
		t, timeErr := module.PseudoVersionTime(v)
		return answer{
			"isValid":          semver.IsValid(v),
			"canonical":        semver.Canonical(v),
			"canonicalVersion": module.CanonicalVersion(v),
			"major":            semver.Major(v),
			"prerelease":       semver.Prerelease(v),
			"build":            semver.Build(v),
			"isPseudo":         module.IsPseudoVersion(v),
			"rev":              either(rev, revErr),
			"base":             either(base, baseErr),
			"time":             either(t.UTC().Format(time.RFC3339), timeErr),
		}
	},
	"compare": func(args func(...any)) any {
		var v, w string
		args(&v, &w)
		return semver.Compare(v, w)
	},
	"sort": func(args func(...any)) any {
		var list []string
		args(&list)
		semver.Sort(list)
		return list
	},
	"pseudoVersion": func(args func(...any)) any {
		var major, older, rev string
		var seconds int64
		args(&major, &older, &seconds, &rev)
		return module.PseudoVersion(major, older, time.Unix(seconds, 0), rev)
	},
	"quote":     func(args func(...any)) any { return strconv.Quote(text(args)) },
	"unquote":   func(args func(...any)) any { return either(strconv.Unquote(text(args))) },
	"autoQuote": func(args func(...any)) any { return modfile.AutoQuote(text(args)) },
	"modulePath": func(args func(...any)) any {
		return modfile.ModulePath(data(args))
	},
	"parse": func(args func(...any)) any {
		content := data(args)
		lax, laxErr := modfile.ParseLax("go.mod", content, nil)
		strict, strictErr := modfile.Parse("go.mod", content, nil)
		return answer{"lax": either(file(lax), laxErr), "strict": either(file(strict), strictErr)}
	},
	"unicode": func(func(...any)) any {
		letters, printable, spaces := runs(unicode.IsLetter), runs(unicode.IsPrint), runs(unicode.IsSpace)
		folds := [][2]rune{}
		for r := rune(0); r <= unicode.MaxRune; r++ {
			if folded := lowestFold(r); folded != r {
				folds = append(folds, [2]rune{r, folded})
			}
		}
		return answer{"letters": letters, "printable": printable, "spaces": spaces, "folds": folds}
	},
	"checkFiles": func(args func(...any)) any {
		var entries []entry
		args(&entries)
		files := make([]modzip.File, len(entries))
		for i, e := range entries {
			files[i] = e
		}
		checked, _ := modzip.CheckFiles(files)
		return report(checked)
	},
	"checkZipNames": func(args func(...any)) any {
		var path, version string
		var entries []entry
		args(&path, &version, &entries)
		return checkNames(path, version, entries)
	},
	"hashZip":  func(args func(...any)) any { return hashZip(args, false) },
	"checkZip": func(args func(...any)) any { return hashZip(args, true) },
	"hashGoMod": func(args func(...any)) any {
		content := data(args)
		open := func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
		return either(dirhash.Hash1([]string{"go.mod"}, open))
	},
}

func text(args func(...any)) string {
	var s string
	args(&s)
	return s
}

func data(args func(...any)) []byte {
	content, err := base64.StdEncoding.DecodeString(text(args))
	if err != nil {
		panic(err)
	}
	return content
}

func file(f *modfile.File) any {
	if f == nil {
		return nil
	}
	a := answer{}
	if f.Module != nil {
		a["module"] = answer{"path": f.Module.Mod.Path, "deprecated": f.Module.Deprecated}
	}
	if f.Go != nil {
		a["go"] = f.Go.Version
	}
	if f.Toolchain != nil {
		a["toolchain"] = f.Toolchain.Name
	}
	list := func(name string, size int, item func(i int) any) {
		items := make([]any, size)
		for i := range items {
			items[i] = item(i)
		}
		a[name] = items
	}
	list("godebug", len(f.Godebug), func(i int) any { return answer{"key": f.Godebug[i].Key, "value": f.Godebug[i].Value} })
	list("requires", len(f.Require), func(i int) any {
		r := f.Require[i]
		return answer{"path": r.Mod.Path, "version": r.Mod.Version, "indirect": r.Indirect}
	})
	list("replaces", len(f.Replace), func(i int) any {
		r := f.Replace[i]
		return answer{"oldPath": r.Old.Path, "oldVersion": r.Old.Version, "newPath": r.New.Path, "newVersion": r.New.Version}
	})
	list("excludes", len(f.Exclude), func(i int) any {
		return answer{"path": f.Exclude[i].Mod.Path, "version": f.Exclude[i].Mod.Version}
	})
	list("retracts", len(f.Retract), func(i int) any {
		r := f.Retract[i]
		return answer{"low": r.Low, "high": r.High, "rationale": r.Rationale}
	})
	list("tools", len(f.Tool), func(i int) any { return f.Tool[i].Path })
	list("ignores", len(f.Ignore), func(i int) any { return f.Ignore[i].Path })
	return a
}

// runs lists the first and last of each run of runes that satisfy is.
func runs(is func(rune) bool) [][2]rune {
	found := [][2]rune{}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !is(r) {
			continue
		}
		if n := len(found); n > 0 && found[n-1][1] == r-1 {
			found[n-1][1] = r
		} else {
			found = append(found, [2]rune{r, r})
		}
	}
	return found
}

// lowestFold is the lowest rune that differs from r only in case, as in strToFold of package zip.
func lowestFold(r rune) rune {
	for {
		r0 := r
		r = unicode.SimpleFold(r0)
		if r <= r0 {
			return r
		}
	}
}

// An entry is a file that has a size but, unless it is a go.mod, no content.
type entry struct {
	Name    string `json:"path"`
	Kind    string `json:"kind"`
	Length  int64  `json:"size"`
	Content string `json:"content"`
}

func (e entry) Path() string                { return e.Name }
func (e entry) Lstat() (fs.FileInfo, error) { return info{e}, nil }
func (e entry) Open() (io.ReadCloser, error) {
	if e.Kind != "file" {
		return nil, errors.New("not a file")
	}
	return io.NopCloser(bytes.NewReader([]byte(e.Content))), nil
}

type info struct{ entry }

func (i info) Name() string       { return i.entry.Name }
func (i info) Size() int64        { return i.Length }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.Kind == "directory" }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	switch i.Kind {
	case "file":
		return 0644
	case "symlink":
		return fs.ModeSymlink
	case "directory":
		return fs.ModeDir
	}
	return fs.ModeIrregular
}

func report(checked modzip.CheckedFiles) any {
	faults := func(list []modzip.FileError) any {
		named := make([]any, len(list))
		for i, fault := range list {
			named[i] = answer{"path": fault.Path, "reason": fault.Err.Error()}
		}
		return named
	}
	valid := checked.Valid
	if valid == nil {
		valid = []string{}
	}
	return answer{
		"valid": valid, "omitted": faults(checked.Omitted), "invalid": faults(checked.Invalid),
		"sizeError": reason(checked.SizeError),
	}
}

// checkNames makes a zip whose directory claims the entries and checks it.
func checkNames(path, version string, entries []entry) any {
	f, err := os.CreateTemp("", "gokura-zip-")
	if err != nil {
		return refusal{err.Error()}
	}
	defer os.Remove(f.Name())
	defer f.Close()
	w := zip.NewWriter(f)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.Name, UncompressedSize64: uint64(e.Length)}
		if _, err := w.CreateRaw(header); err != nil {
			return refusal{err.Error()}
		}
	}
	if err := w.Close(); err != nil {
		return refusal{err.Error()}
	}
	checked, _ := modzip.CheckZip(module.Version{Path: path, Version: version}, f.Name())
	return report(checked)
}

// hashZip checks and hashes the zip of a module version and, if asked to, unpacks it.
func hashZip(args func(...any), unzip bool) any {
	var name string
	var m module.Version
	args(&m.Path, &m.Version, &name)
	checked, err := modzip.CheckZip(m, name)
	if err != nil {
		return refusal{err.Error()}
	}
	hash, err := dirhash.HashZip(name, dirhash.Hash1)
	if err != nil {
		return refusal{err.Error()}
	}
	if unzip {
		dir, err := os.MkdirTemp("", "gokura-unzip-")
		if err != nil {
			return refusal{err.Error()}
		}
		defer os.RemoveAll(dir)
		if err := modzip.Unzip(dir+"/m", m, name); err != nil {
			return refusal{err.Error()}
		}
	}
	return answer{"h1": hash, "entries": len(checked.Valid)}
}

func main() {
	in := json.NewDecoder(bufio.NewReaderSize(os.Stdin, 1<<20))
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	answers := json.NewEncoder(out)
	answers.SetEscapeHTML(false)
	for {
		var request struct {
			Op   string            `json:"op"`
			Args []json.RawMessage `json:"args"`
		}
		if err := in.Decode(&request); err == io.EOF {
			break
		} else if err != nil {
			panic(err)
		}
		op, ok := ops[request.Op]
		if !ok {
			panic(fmt.Sprintf("unknown op %q", request.Op))
		}
		result := op(func(targets ...any) {
			for i, target := range targets {
				if err := json.Unmarshal(request.Args[i], target); err != nil {
					panic(err)
				}
			}
		})
		if err := answers.Encode(result); err != nil {
			panic(err)
		}
	}
	if err := out.Flush(); err != nil {
		panic(err)
	}
}
