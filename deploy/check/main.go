// Checks the files of deploy/ with the code of the tools that will read them: manifests with Kubernetes' own types, every
// field by its name (strict decoding, as kubectl --validate=strict has it), and compose files with compose-go, the library of
// docker compose, which knows its schema and what refers to what. Run by npm run check:deploy.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/compose-spec/compose-go/v2/cli"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

var separator = regexp.MustCompile(`(?m)^---\n`)

func checkManifests(path string) (int, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, autoscalingv2.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
	} {
		utilruntime.Must(add(scheme))
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	content, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	count := 0
	for _, document := range separator.Split(string(content), -1) {
		if len(bytes.TrimSpace([]byte(document))) == 0 {
			continue
		}
		if _, _, err := decoder.Decode([]byte(document), nil, nil); err != nil {
			return count, fmt.Errorf("%s, document %d: %w", path, count+1, err)
		}
		count++
	}
	return count, nil
}

func checkCompose(path string) (int, error) {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithOsEnv)
	if err != nil {
		return 0, err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return len(project.Services), nil
}

func main() {
	root := os.Args[1]
	failed := false
	check := func(pattern, what string, check func(string) (int, error)) {
		paths, _ := filepath.Glob(filepath.Join(root, pattern))
		for _, path := range paths {
			count, err := check(path)
			if err != nil {
				failed = true
				fmt.Println(err)
				continue
			}
			fmt.Printf("%s: %d %s\n", path, count, what)
		}
	}
	check("deploy/kubernetes/*.yaml", "objects", checkManifests)
	check("*compose*.yml", "services", checkCompose)
	if failed {
		os.Exit(1)
	}
}
