// govulncheck itself: what its own main does.
package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/vuln/scan"
)

func main() {
	cmd := scan.Command(context.Background(), os.Args[1:]...)
	err := cmd.Start()
	if err == nil {
		err = cmd.Wait()
	}
	switch err := err.(type) {
	case nil:
	case interface{ ExitCode() int }:
		os.Exit(err.ExitCode())
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
