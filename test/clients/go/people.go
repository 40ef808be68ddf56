package main

import (
	"slices"
	"strings"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

// users makes two users.
func users(admin *gitlab.Client, url string) (ada, bob *gitlab.User) {
	step("the version of the server")
	version, _, err := admin.Version.GetVersion()
	good(err)
	holds(version.Version != "" && version.Revision != "", "no version: %v", version)
	metadata, _, err := admin.Metadata.GetMetadata()
	good(err)
	equal(metadata.Version, version.Version)
	equal(metadata.KAS.Enabled, false)

	step("who am I")
	root, _, err := admin.Users.CurrentUser()
	good(err)
	equal(root.Username, "root")
	equal(root.IsAdmin, true)
	holds(strings.HasPrefix(root.WebURL, url), "%s is not below %s", root.WebURL, url)
	holds(root.CreatedAt != nil && time.Since(*root.CreatedAt) < time.Hour, "made at %v", root.CreatedAt)
	_, _, err = clientOf(url, "glpat-no-such-token").Users.CurrentUser()
	refused(401, err)
	_, _, err = clientOf(url, "").Users.ListUsers(nil)
	refused(401, err)

	step("new users")
	ada, response, err := admin.Users.CreateUser(&gitlab.CreateUserOptions{
		Username: gitlab.Ptr("ada"), Name: gitlab.Ptr("Ada Lovelace"), Email: gitlab.Ptr("ada@example.com"),
		ForceRandomPassword: gitlab.Ptr(true),
	})
	good(err)
	equal(response.StatusCode, 201)
	equal([]string{ada.Username, ada.Name, ada.State, ada.Email}, []string{"ada", "Ada Lovelace", "active", "ada@example.com"})
	bob, _, err = admin.Users.CreateUser(&gitlab.CreateUserOptions{
		Username: gitlab.Ptr("bob"), Name: gitlab.Ptr("Bob"), Email: gitlab.Ptr("bob@example.com"),
		Password: gitlab.Ptr("not kept anywhere"), SkipConfirmation: gitlab.Ptr(true), Admin: gitlab.Ptr(false),
	})
	good(err)
	again := &gitlab.CreateUserOptions{
		Username: gitlab.Ptr("Bob"), Name: gitlab.Ptr("x"), Email: gitlab.Ptr("x@example.com"), ResetPassword: gitlab.Ptr(true),
	}
	_, _, err = admin.Users.CreateUser(again)
	equal(refused(409, err), "{message: Username has already been taken}, {reason: already_exists}")

	step("finding users")
	name := func(user *gitlab.User) string { return user.Username }
	found, _, err := admin.Users.ListUsers(&gitlab.ListUsersOptions{Username: gitlab.Ptr("ADA")})
	good(err)
	equal(each(found, name), []string{"ada"})
	found, response, err = admin.Users.ListUsers(&gitlab.ListUsersOptions{ListOptions: gitlab.ListOptions{PerPage: 1}})
	good(err)
	equal(len(found), 1)
	equal([]int64{response.TotalItems, response.TotalPages, response.NextPage}, []int64{3, 3, 2})
	everybody, err := gitlab.ScanAndCollect(func(page gitlab.PaginationOptionFunc) ([]*gitlab.User, *gitlab.Response, error) {
		return admin.Users.ListUsers(&gitlab.ListUsersOptions{ListOptions: gitlab.ListOptions{PerPage: 1}}, page)
	})
	good(err)
	names := each(everybody, name)
	slices.Sort(names)
	equal(names, []string{"ada", "bob", "root"})
	_, _, err = admin.Users.GetUser(999_999, nil)
	refused(404, err)
	return ada, bob
}

// tokens lives through what a token can live through, and returns a client of the user.
func tokens(admin *gitlab.Client, url string, user *gitlab.User) *gitlab.Client {
	day := func(days int) *gitlab.ISOTime {
		return gitlab.Ptr(gitlab.ISOTime(time.Now().UTC().AddDate(0, 0, days).Truncate(24 * time.Hour)))
	}

	step("an administrator makes a token for a user")
	made, _, err := admin.Users.CreatePersonalAccessToken(user.ID, &gitlab.CreatePersonalAccessTokenOptions{
		Name: gitlab.Ptr("laptop"), Description: gitlab.Ptr("the one with stickers"),
		Scopes: &[]string{"api"}, ExpiresAt: day(30),
	})
	good(err)
	equal([]string{made.Name, made.Description, made.ExpiresAt.String()}, []string{"laptop", "the one with stickers", day(30).String()})
	equal([]bool{made.Active, made.Revoked, made.UserID == user.ID, made.Token != ""}, []bool{true, false, true, true})
	holds(made.LastUsedAt == nil, "used at %v", made.LastUsedAt)
	own := clientOf(url, made.Token)
	myself, _, err := own.PersonalAccessTokens.GetSinglePersonalAccessToken()
	good(err)
	equal(myself.ID, made.ID)
	equal(myself.Token, "")

	step("a token of somebody else")
	other, _, err := admin.PersonalAccessTokens.GetSinglePersonalAccessToken()
	good(err)
	_, _, err = own.PersonalAccessTokens.GetSinglePersonalAccessTokenByID(other.ID)
	refused(401, err)
	_, err = own.PersonalAccessTokens.RevokePersonalAccessTokenByID(other.ID)
	refused(401, err)
	_, _, err = own.Users.CreatePersonalAccessToken(user.ID, &gitlab.CreatePersonalAccessTokenOptions{
		Name: gitlab.Ptr("x"), Scopes: &[]string{"api"},
	})
	refused(403, err)
	_, _, err = admin.PersonalAccessTokens.GetSinglePersonalAccessTokenByID(999_999)
	refused(404, err)

	step("lists with filters")
	_, _, err = admin.Users.CreatePersonalAccessToken(user.ID, &gitlab.CreatePersonalAccessTokenOptions{
		Name: gitlab.Ptr("long ago"), Scopes: &[]string{"read_api", "read_user"},
		ExpiresAt: gitlab.Ptr(gitlab.ISOTime(time.Date(2020, 1, 31, 0, 0, 0, 0, time.UTC))),
	})
	good(err)
	list := func(options gitlab.ListPersonalAccessTokensOptions) []string {
		options.UserID = gitlab.Ptr(user.ID)
		found, _, err := admin.PersonalAccessTokens.ListPersonalAccessTokens(&options)
		good(err)
		names := each(found, func(token *gitlab.PersonalAccessToken) string { return token.Name })
		slices.Sort(names)
		return names
	}
	equal(list(gitlab.ListPersonalAccessTokensOptions{}), []string{"laptop", "long ago"})
	equal(list(gitlab.ListPersonalAccessTokensOptions{State: gitlab.Ptr("active")}), []string{"laptop"})
	equal(list(gitlab.ListPersonalAccessTokensOptions{ExpiresBefore: day(0)}), []string{"long ago"})
	equal(list(gitlab.ListPersonalAccessTokensOptions{CreatedAfter: day(1)}), []string{})
	equal(list(gitlab.ListPersonalAccessTokensOptions{Revoked: gitlab.Ptr(true)}), []string{})
	equal(list(gitlab.ListPersonalAccessTokensOptions{Search: gitlab.Ptr("ago")}), []string{"long ago"})

	step("rotation")
	rotated, _, err := admin.PersonalAccessTokens.RotatePersonalAccessTokenByID(made.ID,
		&gitlab.RotatePersonalAccessTokenOptions{ExpiresAt: day(3)})
	good(err)
	equal([]string{rotated.Name, rotated.ExpiresAt.String()}, []string{"laptop", day(3).String()})
	equal(rotated.Scopes, []string{"api"})
	_, _, err = own.Users.CurrentUser()
	refused(401, err)
	own = clientOf(url, rotated.Token)
	itself, _, err := own.PersonalAccessTokens.RotatePersonalAccessTokenSelf(nil)
	good(err)
	equal(itself.ExpiresAt.String(), day(7).String())
	_, _, err = own.Users.CurrentUser()
	refused(401, err)
	_, _, err = admin.PersonalAccessTokens.RotatePersonalAccessTokenByID(made.ID, nil)
	refused(401, err)

	step("revocation")
	own = clientOf(url, itself.Token)
	_, err = own.PersonalAccessTokens.RevokePersonalAccessTokenSelf()
	good(err)
	_, err = own.PersonalAccessTokens.RevokePersonalAccessTokenSelf()
	refused(401, err)
	dead, _, err := admin.PersonalAccessTokens.GetSinglePersonalAccessTokenByID(itself.ID)
	good(err)
	equal([]bool{dead.Revoked, dead.Active}, []bool{true, false})
	return signIn(admin, url, user)
}

func deployTokens(admin, owner, stranger *gitlab.Client, project *gitlab.Project) {
	step("deploy tokens")
	expires := time.Date(2099, 12, 31, 23, 59, 0, 0, time.UTC)
	made, _, err := owner.DeployTokens.CreateProjectDeployToken(project.ID, &gitlab.CreateProjectDeployTokenOptions{
		Name: gitlab.Ptr("ci"), Scopes: &[]string{"read_repository", "read_package_registry"}, ExpiresAt: &expires,
	})
	good(err)
	holds(made.Token != "" && made.Username != "" && made.ExpiresAt.Equal(expires), "%v", made)
	equal([]bool{made.Revoked, made.Expired}, []bool{false, false})
	listed, _, err := owner.DeployTokens.ListProjectDeployTokens(project.PathWithNamespace, nil)
	good(err)
	equal(each(listed, func(token *gitlab.DeployToken) int64 { return token.ID }), []int64{made.ID})
	equal(listed[0].Token, "")
	one, _, err := owner.DeployTokens.GetProjectDeployToken(project.ID, made.ID)
	good(err)
	equal(one.Username, made.Username)
	_, _, err = stranger.DeployTokens.ListProjectDeployTokens(project.ID, nil)
	refused(403, err)
	_, _, err = owner.DeployTokens.ListAllDeployTokens()
	refused(403, err)
	all, _, err := admin.DeployTokens.ListAllDeployTokens()
	good(err)
	equal(len(all), 1)
	_, err = owner.DeployTokens.DeleteProjectDeployToken(project.ID, made.ID)
	good(err)
	_, _, err = owner.DeployTokens.GetProjectDeployToken(project.ID, 999_999)
	refused(404, err)
}

func groupDeployTokens(admin, owner, stranger *gitlab.Client, team, core *gitlab.Group) {
	step("deploy tokens of a group")
	expires := time.Date(2099, 12, 31, 23, 59, 0, 0, time.UTC)
	made, _, err := owner.DeployTokens.CreateGroupDeployToken(team.ID, &gitlab.CreateGroupDeployTokenOptions{
		Name: gitlab.Ptr("all"), Scopes: &[]string{"read_repository", "read_package_registry"},
		Username: gitlab.Ptr("robot"), ExpiresAt: &expires,
	})
	good(err)
	holds(made.Token != "" && made.ExpiresAt.Equal(expires), "%v", made)
	equal([]string{made.Name, made.Username}, []string{"all", "robot"})
	equal([]bool{made.Revoked, made.Expired}, []bool{false, false})
	number := func(token *gitlab.DeployToken) int64 { return token.ID }
	listed, _, err := owner.DeployTokens.ListGroupDeployTokens(team.FullPath, nil)
	good(err)
	equal(each(listed, number), []int64{made.ID})
	equal(listed[0].Token, "")
	below, _, err := owner.DeployTokens.ListGroupDeployTokens(core.FullPath, nil)
	good(err)
	equal(each(below, number), []int64{})
	one, _, err := owner.DeployTokens.GetGroupDeployToken(team.ID, made.ID)
	good(err)
	equal(one.Username, made.Username)
	_, _, err = owner.DeployTokens.GetGroupDeployToken(core.ID, made.ID)
	refused(404, err)
	_, _, err = stranger.DeployTokens.ListGroupDeployTokens(team.ID, nil)
	refused(403, err)
	all, _, err := admin.DeployTokens.ListAllDeployTokens()
	good(err)
	holds(slices.Contains(each(all, number), made.ID), "not among all: %v", all)
	_, err = owner.DeployTokens.DeleteGroupDeployToken(team.ID, made.ID)
	good(err)
	_, _, err = owner.DeployTokens.GetGroupDeployToken(team.ID, made.ID)
	refused(404, err)
	_, err = owner.DeployTokens.DeleteGroupDeployToken(team.ID, made.ID)
	refused(404, err)
}
