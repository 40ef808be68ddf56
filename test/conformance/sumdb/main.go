// Auditor looks at a checksum database with golang.org/x/mod/sumdb alone, as the judge of our own code, and is such a database
// itself.
//
//	auditor lookup URL KEY MODULE@VERSION…   what Go's client makes of the database, one line of go.sum a line
//	auditor client URL KEY                   the same client, asked on stdin for as long as it is open (client.go)
//	auditor audit URL KEY TOKEN              the whole log replayed from its data tiles, compared with its hashes and head
//	auditor replay KEY                       the same of the rows of its database, in JSON on stdin (replay.go)
//	auditor serve SIGNERKEY                  Go's own server of an empty log (server.go)
package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	var err error
	switch {
	case len(os.Args) > 3 && os.Args[1] == "lookup":
		err = lookup(os.Args[2], os.Args[3], os.Args[4:])
	case len(os.Args) == 4 && os.Args[1] == "client":
		err = converse(os.Args[2], os.Args[3])
	case len(os.Args) == 5 && os.Args[1] == "audit":
		err = audit(os.Args[2], os.Args[3], os.Args[4])
	case len(os.Args) == 3 && os.Args[1] == "replay":
		err = replay(os.Args[2], os.Stdin)
	case len(os.Args) == 3 && os.Args[1] == "serve":
		err = serve(os.Args[2])
	default:
		err = errors.New("usage: auditor lookup URL KEY MODULE@VERSION… | client URL KEY | audit URL KEY TOKEN | replay KEY | serve SIGNERKEY")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func get(url, token string) ([]byte, error) {
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return nil, err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != 200 {
		err = fmt.Errorf("%s: %s: %s", url, answer.Status, body)
	}
	return body, err
}
