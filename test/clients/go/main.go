// A year in the life of an organisation, as a program for GitLab would manage it with GitLab's official client, and
// nothing of the server's own. GITLAB_URL and GITLAB_TOKEN (an administrator's) say where; PACKAGES_PROJECT names a
// project that has packages. Prints each step, and ends at the first answer that is not what GitLab would have said.
package main

import (
	"os"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

func main() {
	url := os.Getenv("GITLAB_URL")
	admin := clientOf(url, os.Getenv("GITLAB_TOKEN"))
	ada, bob := users(admin, url)
	asAda, asBob := tokens(admin, url, ada), signIn(admin, url, bob)
	team, core := groups(asAda, asBob)
	tools := projects(asAda, asBob, url, team, core)
	members(asAda, asBob, team, core, tools, bob)
	deployTokens(admin, asAda, asBob, tools)
	groupDeployTokens(admin, asAda, asBob, team, core)
	packages(admin, asBob, url, os.Getenv("PACKAGES_PROJECT"))
	features(admin, asAda, tools, team)
	theEnd(asAda, team, core, tools)
	step("the whole life went well")
}

// clientOf is a client as everybody makes it, but that it repeats failures quickly.
func clientOf(url, token string) *gitlab.Client {
	client, err := gitlab.NewClient(token, gitlab.WithBaseURL(url),
		gitlab.WithCustomRetryWaitMinMax(10*time.Millisecond, 20*time.Millisecond))
	good(err)
	return client
}

// signIn is a client that is the user.
func signIn(admin *gitlab.Client, url string, user *gitlab.User) *gitlab.Client {
	made, _, err := admin.Users.CreatePersonalAccessToken(user.ID, &gitlab.CreatePersonalAccessTokenOptions{
		Name: gitlab.Ptr("of the program"), Scopes: &[]string{"api"},
	})
	good(err)
	client := clientOf(url, made.Token)
	myself, _, err := client.Users.CurrentUser()
	good(err)
	equal(myself.ID, user.ID)
	return client
}
