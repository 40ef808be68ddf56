package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

// packages looks at a project that has a module with v1.0.0 and v1.1.0, and one in sub/ with v0.1.0.
func packages(admin, stranger *gitlab.Client, url, path string) {
	project, _, err := admin.Projects.GetProject(path, nil)
	good(err)

	step("packages of a project")
	list := func(options gitlab.ListProjectPackagesOptions) []*gitlab.Package {
		options.ListOptions.PerPage = 50
		found, _, err := admin.Packages.ListProjectPackages(path, &options)
		good(err)
		return found
	}
	versions := func(options gitlab.ListProjectPackagesOptions) []string {
		return each(list(options), func(one *gitlab.Package) string { return one.Version })
	}
	found := list(gitlab.ListProjectPackagesOptions{OrderBy: gitlab.Ptr("version"), Sort: gitlab.Ptr("asc")})
	equal(each(found, func(one *gitlab.Package) string { return one.Version }), []string{"v0.1.0", "v1.0.0", "v1.1.0"})
	first := found[1]
	holds(strings.HasSuffix(first.Name, "/"+path), "named %s", first.Name)
	equal([]string{first.PackageType, first.Status}, []string{"golang", "default"})
	holds(strings.HasPrefix(first.Links.WebPath, "/"+path) && first.CreatedAt != nil, "%v", first)
	holds(strings.HasPrefix(first.Links.DeleteAPIPath, url), "%s", first.Links.DeleteAPIPath)
	equal(versions(gitlab.ListProjectPackagesOptions{PackageName: gitlab.Ptr("SUB")}), []string{"v0.1.0"})
	equal(versions(gitlab.ListProjectPackagesOptions{PackageVersion: gitlab.Ptr("v1.1.0")}), []string{"v1.1.0"})
	equal(versions(gitlab.ListProjectPackagesOptions{PackageType: gitlab.Ptr("maven")}), []string{})
	_, _, err = admin.Packages.ListProjectPackages(path, &gitlab.ListProjectPackagesOptions{Status: gitlab.Ptr("odd")})
	refused(400, err)

	step("packages of a group, page by page")
	all, err := gitlab.ScanAndCollect(func(page gitlab.PaginationOptionFunc) ([]*gitlab.GroupPackage, *gitlab.Response, error) {
		return admin.Packages.ListGroupPackages(project.Namespace.ID, &gitlab.ListGroupPackagesOptions{
			ListOptions: gitlab.ListOptions{PerPage: 2}, PackageType: gitlab.Ptr("golang"),
		}, page)
	})
	good(err)
	equal(len(all), 3)
	for _, one := range all {
		equal([]any{one.ProjectID, one.ProjectPath}, []any{project.ID, path})
	}

	step("the files of a package, byte for byte")
	files, _, err := admin.Packages.ListPackageFiles(project.ID, first.ID, nil)
	good(err)
	equal(each(files, func(file *gitlab.PackageFile) string { return file.FileName }), []string{"v1.0.0.mod", "v1.0.0.zip"})
	for _, file := range files {
		served := get(admin, fmt.Sprintf("projects/%d/packages/go/%s/@v/%s", project.ID, first.Name, file.FileName))
		sum := sha256.Sum256(served)
		equal([]any{file.PackageID, file.Size, file.FileSHA256}, []any{first.ID, int64(len(served)), hex.EncodeToString(sum[:])})
	}

	step("who may see and delete packages")
	_, _, err = stranger.Packages.ListProjectPackages(path, nil)
	refused(404, err)
	_, err = stranger.Packages.DeleteProjectPackage(path, first.ID)
	refused(404, err)
	_, err = admin.Packages.DeletePackageFile(path, first.ID, files[0].ID)
	refused(403, err)

	step("the same by GraphQL")
	var answer struct {
		Data struct {
			Project struct{ FullPath string }
			None    *struct{ ID string }
		}
	}
	_, err = admin.GraphQL.Do(gitlab.GraphQLQuery{
		Query:     `query($path: ID!) { project(fullPath: $path) { fullPath } none: project(fullPath: "no/such") { id } }`,
		Variables: map[string]any{"path": path},
	}, &answer)
	good(err)
	equal(answer.Data.Project.FullPath, path)
	holds(answer.Data.None == nil, "something that is not there: %v", answer.Data.None)

	step("a package is deleted")
	_, err = admin.Packages.DeleteProjectPackage(project.ID, first.ID)
	good(err)
	equal(len(list(gitlab.ListProjectPackagesOptions{})), 2)
	_, err = admin.Packages.DeleteProjectPackage(project.ID, first.ID)
	refused(404, err)
}

// get fetches with the client what it has no method for.
func get(client *gitlab.Client, path string) []byte {
	request, err := client.NewRequest(http.MethodGet, path, nil, nil)
	good(err)
	var body bytes.Buffer
	_, err = client.Do(request, &body)
	good(err)
	return body.Bytes()
}

func features(admin, user *gitlab.Client, project *gitlab.Project, group *gitlab.Group) {
	step("feature flags")
	set := func(options gitlab.SetFeatureFlagOptions) *gitlab.Feature {
		flag, _, err := admin.Features.SetFeatureFlag("trial", &options)
		good(err)
		return flag
	}
	flag := set(gitlab.SetFeatureFlagOptions{Value: true, Project: "team/tools", Group: "team"})
	equal(flag.State, "conditional")
	equal(flag.Gates, []gitlab.Gate{
		{Key: "boolean", Value: false},
		{Key: "actors", Value: []any{fmt.Sprintf("Project:%d", project.ID), fmt.Sprintf("Group:%d", group.ID)}},
	})
	equal(set(gitlab.SetFeatureFlagOptions{Value: "true"}).State, "on")
	equal(set(gitlab.SetFeatureFlagOptions{Value: 0}).Gates, []gitlab.Gate{{Key: "boolean", Value: false}})
	all, _, err := admin.Features.ListFeatures()
	good(err)
	equal(each(all, func(flag *gitlab.Feature) string { return flag.Name }), []string{"go_proxy", "trial"})
	_, _, err = admin.Features.ListFeatureDefinitions()
	good(err)
	_, _, err = admin.Features.SetFeatureFlag("trial", &gitlab.SetFeatureFlagOptions{Value: true, User: "nobody-here"})
	refused(400, err)
	_, _, err = user.Features.ListFeatures()
	refused(403, err)
	for range 2 {
		_, err = admin.Features.DeleteFeatureFlag("trial")
		good(err)
	}
}
