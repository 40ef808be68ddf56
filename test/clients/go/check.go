package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

// step names what comes next, so that a failure tells how far the program came.
func step(name string) { fmt.Println("- " + name) }

// fail ends the program with the line of the program that was not content.
func fail(format string, values ...any) {
	for depth := 1; ; depth++ {
		_, file, line, ok := runtime.Caller(depth)
		if !ok || !strings.HasSuffix(file, "check.go") {
			fmt.Printf("%s:%d: %s\n", file, line, fmt.Sprintf(format, values...))
			os.Exit(1)
		}
	}
}

// good fails for an error.
func good(err error) {
	if err != nil {
		fail("unexpected: %v", err)
	}
}

// equal fails unless both are equal.
func equal[T any](got, want T) {
	if !reflect.DeepEqual(got, want) {
		fail("got %#v, wanted %#v", got, want)
	}
}

// holds fails unless something holds.
func holds(condition bool, what string, values ...any) {
	if !condition {
		fail(what, values...)
	}
}

// refused fails unless the call was refused with the status. It returns what the server said.
func refused(status int, err error) string {
	var response *gitlab.ErrorResponse
	switch {
	case err == nil:
		fail("not refused: %d was due", status)
	case errors.Is(err, gitlab.ErrNotFound):
		equal(404, status)
		return "404"
	case !errors.As(err, &response):
		fail("no answer of GitLab's form: %v", err)
	case strings.Contains(response.Message, "failed to parse"):
		fail("the client could not read the refusal: %v", response.Message)
	}
	equal(response.StatusCode, status)
	return response.Message
}

// gone waits for something to be gone: GitLab deletes in its own time.
func gone(look func() error) {
	for range 100 {
		if err := look(); err != nil {
			refused(404, err)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	fail("it is still there")
}

// each is one property of every element of a list.
func each[T, P any](list []T, property func(T) P) []P {
	properties := make([]P, 0, len(list))
	for _, element := range list {
		properties = append(properties, property(element))
	}
	return properties
}
