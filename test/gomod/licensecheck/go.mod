module lc

go 1.22

require github.com/google/licensecheck v0.3.1
