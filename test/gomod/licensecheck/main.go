package main

import (
	"encoding/json"
	"os"

	"github.com/google/licensecheck"
)

type said struct {
	File    string
	Percent float64
	IDs     []string
}

func main() {
	out := json.NewEncoder(os.Stdout)
	for _, file := range os.Args[1:] {
		text, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		cov := licensecheck.Scan(text)
		s := said{File: file, Percent: cov.Percent, IDs: []string{}}
		for _, m := range cov.Match {
			s.IDs = append(s.IDs, m.ID)
		}
		out.Encode(s)
	}
}
