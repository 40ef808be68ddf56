package main

import (
	"slices"
	"strings"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

// groups makes a group and one in it.
func groups(ada, stranger *gitlab.Client) (team, core *gitlab.Group) {
	step("groups and subgroups")
	team, _, err := ada.Groups.CreateGroup(&gitlab.CreateGroupOptions{
		Name: gitlab.Ptr("The Team"), Path: gitlab.Ptr("team"), Visibility: gitlab.Ptr(gitlab.InternalVisibility),
	})
	good(err)
	equal([]string{team.FullPath, team.FullName, string(team.Visibility)}, []string{"team", "The Team", "internal"})
	holds(strings.HasSuffix(team.WebURL, "/groups/team"), "%s", team.WebURL)
	core, _, err = ada.Groups.CreateGroup(&gitlab.CreateGroupOptions{
		Name: gitlab.Ptr("Core"), Path: gitlab.Ptr("core.lib"), ParentID: gitlab.Ptr(team.ID),
	})
	good(err)
	equal([]string{core.FullPath, core.FullName, string(core.Visibility)}, []string{"team/core.lib", "The Team / Core", "private"})
	equal(core.ParentID, team.ID)

	step("what a group may not be")
	_, _, err = ada.Groups.CreateGroup(&gitlab.CreateGroupOptions{Name: gitlab.Ptr("x"), Path: gitlab.Ptr("team")})
	holds(strings.Contains(refused(400, err), "has already been taken"), "%v", err)
	_, _, err = stranger.Groups.CreateGroup(&gitlab.CreateGroupOptions{
		Name: gitlab.Ptr("x"), Path: gitlab.Ptr("x"), ParentID: gitlab.Ptr(team.ID),
	})
	refused(403, err)

	step("groups found")
	same, _, err := ada.Groups.GetGroup("team/core.lib", nil)
	good(err)
	equal(same.ID, core.ID)
	path := func(group *gitlab.Group) string { return group.FullPath }
	found, _, err := ada.Groups.ListGroups(&gitlab.ListGroupsOptions{
		Search: gitlab.Ptr("core"), AllAvailable: gitlab.Ptr(true), Owned: gitlab.Ptr(true),
	})
	good(err)
	equal(each(found, path), []string{"team/core.lib"})
	found, _, err = ada.Groups.ListSubGroups(team.ID, &gitlab.ListSubGroupsOptions{})
	good(err)
	equal(each(found, path), []string{"team/core.lib"})
	found, _, err = ada.Groups.ListDescendantGroups("team", nil)
	good(err)
	equal(each(found, path), []string{"team/core.lib"})
	_, _, err = stranger.Groups.GetGroup("team/core.lib", nil)
	refused(404, err)

	step("a group is changed")
	changed, _, err := ada.Groups.UpdateGroup(team.ID, &gitlab.UpdateGroupOptions{Description: gitlab.Ptr("all of us")})
	good(err)
	equal(changed.Description, "all of us")
	_, _, err = stranger.Groups.UpdateGroup(team.ID, &gitlab.UpdateGroupOptions{Description: gitlab.Ptr("mine")})
	refused(403, err)
	return team, core
}

// projects makes some, and returns one in the team.
func projects(ada, stranger *gitlab.Client, url string, team, core *gitlab.Group) *gitlab.Project {
	step("projects")
	tools, _, err := ada.Projects.CreateProject(&gitlab.CreateProjectOptions{
		Name: gitlab.Ptr("Tools"), Path: gitlab.Ptr("tools"), NamespaceID: gitlab.Ptr(team.ID),
		Visibility: gitlab.Ptr(gitlab.InternalVisibility),
	})
	good(err)
	equal([]string{tools.PathWithNamespace, tools.NameWithNamespace, string(tools.Visibility)},
		[]string{"team/tools", "The Team / Tools", "internal"})
	equal(tools.PackageRegistryAccessLevel, gitlab.EnabledAccessControl)
	equal(tools.HTTPURLToRepo, tools.WebURL+".git")
	equal([]any{tools.Namespace.ID, tools.Namespace.Kind}, []any{team.ID, "group"})
	holds(tools.CreatedAt != nil && tools.LastActivityAt != nil, "no times")
	own, _, err := ada.Projects.CreateProject(&gitlab.CreateProjectOptions{Name: gitlab.Ptr("notes")})
	good(err)
	equal([]string{own.PathWithNamespace, own.Namespace.Kind}, []string{"ada/notes", "user"})
	for _, path := range []string{"lib.go", "a", "b", "c"} {
		_, _, err = ada.Projects.CreateProject(&gitlab.CreateProjectOptions{
			Path: gitlab.Ptr(path), NamespaceID: gitlab.Ptr(core.ID),
		})
		good(err)
	}
	_, _, err = ada.Projects.CreateProject(&gitlab.CreateProjectOptions{Path: gitlab.Ptr("a"), NamespaceID: gitlab.Ptr(core.ID)})
	holds(strings.Contains(refused(400, err), "has already been taken"), "%v", err)

	step("by number and by path, dots and all")
	dotted, _, err := ada.Projects.GetProject("team/core.lib/lib.go", nil)
	good(err)
	same, _, err := ada.Projects.GetProject(dotted.ID, &gitlab.GetProjectOptions{Statistics: gitlab.Ptr(true)})
	good(err)
	equal(same.PathWithNamespace, "team/core.lib/lib.go")
	equal(int(same.Permissions.GroupAccess.AccessLevel), 50)
	_, _, err = stranger.Projects.GetProject(dotted.ID, nil)
	refused(404, err)
	_, _, err = clientOf(url, "").Projects.GetProject(dotted.ID, nil)
	refused(401, err)

	step("pages by number and by position")
	path := func(project *gitlab.Project) string { return project.Path }
	list, response, err := ada.Projects.ListProjects(&gitlab.ListProjectsOptions{
		ListOptions: gitlab.ListOptions{Page: 2, PerPage: 2, OrderBy: "path", Sort: "asc"}, Membership: gitlab.Ptr(true),
	})
	good(err)
	equal(each(list, path), []string{"c", "lib.go"})
	equal([]int64{response.TotalItems, response.TotalPages, response.CurrentPage, response.PreviousPage, response.NextPage},
		[]int64{6, 3, 2, 1, 3})
	for _, sort := range []string{"asc", "desc"} {
		walked, err := gitlab.ScanAndCollect(func(page gitlab.PaginationOptionFunc) ([]*gitlab.Project, *gitlab.Response, error) {
			return ada.Projects.ListProjects(&gitlab.ListProjectsOptions{
				ListOptions: gitlab.ListOptions{Pagination: "keyset", OrderBy: "id", Sort: sort, PerPage: 2},
				Membership:  gitlab.Ptr(true),
			}, page)
		})
		good(err)
		ids := each(walked, func(project *gitlab.Project) int64 { return project.ID })
		equal(len(ids), 6)
		if sort == "desc" {
			slices.Reverse(ids)
		}
		holds(slices.IsSorted(ids), "not in order: %v", ids)
	}
	inGroup, _, err := ada.Groups.ListGroupProjects(team.ID, &gitlab.ListGroupProjectsOptions{
		IncludeSubGroups: gitlab.Ptr(true), OrderBy: gitlab.Ptr("path"), Sort: gitlab.Ptr("asc"), Simple: gitlab.Ptr(true),
	})
	good(err)
	equal(each(inGroup, path), []string{"a", "b", "c", "lib.go", "tools"})

	step("a project is changed and deleted")
	level := gitlab.DisabledAccessControl
	changed, _, err := ada.Projects.EditProject(tools.ID, &gitlab.EditProjectOptions{
		Description: gitlab.Ptr("What we work with"), PackageRegistryAccessLevel: &level,
	})
	good(err)
	equal(changed.Description, "What we work with")
	equal(changed.PackageRegistryAccessLevel, gitlab.DisabledAccessControl)
	level = gitlab.EnabledAccessControl
	_, _, err = ada.Projects.EditProject(tools.PathWithNamespace, &gitlab.EditProjectOptions{PackageRegistryAccessLevel: &level})
	good(err)
	_, err = stranger.Projects.DeleteProject(tools.ID, nil)
	refused(403, err)
	deleted, err := ada.Projects.DeleteProject(own.ID, &gitlab.DeleteProjectOptions{})
	good(err)
	equal(deleted.StatusCode, 202)
	gone(func() error { _, _, err := ada.Projects.GetProject(own.ID, nil); return err })
	return tools
}

func members(ada, asBob *gitlab.Client, team, core *gitlab.Group, project *gitlab.Project, bob *gitlab.User) {
	step("members of a group")
	added, _, err := ada.GroupMembers.AddGroupMember(team.ID, &gitlab.AddGroupMemberOptions{
		UserID: gitlab.Ptr(bob.ID), AccessLevel: gitlab.Ptr(gitlab.DeveloperPermissions),
	})
	good(err)
	equal([]any{added.ID, added.Username, added.AccessLevel}, []any{bob.ID, "bob", gitlab.DeveloperPermissions})
	holds(added.ExpiresAt == nil, "expires %v", added.ExpiresAt)
	_, _, err = ada.GroupMembers.AddGroupMember(team.ID, &gitlab.AddGroupMemberOptions{
		UserID: gitlab.Ptr(bob.ID), AccessLevel: gitlab.Ptr(gitlab.DeveloperPermissions),
	})
	equal(refused(409, err), "{message: Member already exists}, {reason: already_exists}")
	inherited, _, err := ada.GroupMembers.GetInheritedGroupMember(core.ID, bob.ID)
	good(err)
	equal(inherited.AccessLevel, gitlab.DeveloperPermissions)
	_, _, err = ada.GroupMembers.GetGroupMember(core.ID, bob.ID)
	refused(404, err)
	all, _, err := ada.Groups.ListAllGroupMembers(core.ID, &gitlab.ListGroupMembersOptions{Query: gitlab.Ptr("bo")})
	good(err)
	equal(each(all, func(member *gitlab.GroupMember) string { return member.Username }), []string{"bob"})
	edited, _, err := ada.GroupMembers.EditGroupMember(team.ID, bob.ID, &gitlab.EditGroupMemberOptions{
		AccessLevel: gitlab.Ptr(gitlab.ReporterPermissions), ExpiresAt: gitlab.Ptr("2099-01-31"),
	})
	good(err)
	equal([]any{edited.AccessLevel, edited.ExpiresAt.String()}, []any{gitlab.ReporterPermissions, "2099-01-31"})

	step("members of a project")
	member, _, err := ada.ProjectMembers.AddProjectMember(project.PathWithNamespace, &gitlab.AddProjectMemberOptions{
		UserID: bob.ID, AccessLevel: gitlab.Ptr(gitlab.MaintainerPermissions),
	})
	good(err)
	equal(member.AccessLevel, gitlab.MaintainerPermissions)
	listed, _, err := ada.ProjectMembers.ListAllProjectMembers(project.ID, nil)
	good(err)
	equal(len(listed), 2)
	_, _, err = asBob.ProjectMembers.EditProjectMember(project.ID, bob.ID, &gitlab.EditProjectMemberOptions{
		AccessLevel: gitlab.Ptr(gitlab.OwnerPermissions),
	})
	refused(403, err)
	owner, _, err := ada.Users.CurrentUser()
	good(err)
	_, err = asBob.GroupMembers.RemoveGroupMember(team.ID, owner.ID, nil)
	refused(403, err)
	_, err = ada.ProjectMembers.DeleteProjectMember(project.ID, bob.ID)
	good(err)
	_, err = ada.GroupMembers.RemoveGroupMember(team.ID, bob.ID, nil)
	good(err)
	_, _, err = ada.ProjectMembers.GetInheritedProjectMember(project.ID, bob.ID)
	refused(404, err)
}

func theEnd(ada *gitlab.Client, team, core *gitlab.Group, project *gitlab.Project) {
	step("a group goes with everything in it")
	_, err := ada.Groups.DeleteGroup(team.ID, nil)
	good(err)
	gone(func() error { _, _, err := ada.Projects.GetProject(project.ID, nil); return err })
	gone(func() error { _, _, err := ada.Groups.GetGroup(core.ID, nil); return err })
}
