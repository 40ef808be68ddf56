module gokura.localhost/conformance/go-doc

go 1.24
