"""Who belongs to what."""

from typing import Any

import gitlab
from gitlab.const import AccessLevel
from gitlab.exceptions import (
    GitlabAuthenticationError,
    GitlabCreateError,
    GitlabDeleteError,
    GitlabGetError,
    GitlabUpdateError,
)

from check import equal, refused, step


def run(
    gl: gitlab.Gitlab, as_bob: gitlab.Gitlab, team: Any, core: Any, project: Any, bob: Any
) -> None:
    step("members of a group")
    equal([(member.username, member.access_level) for member in team.members.list(get_all=True)], [("ada", 50)])
    added = team.members.create({"user_id": bob.id, "access_level": AccessLevel.REPORTER})
    equal((added.id, added.username, added.access_level, added.expires_at), (bob.id, "bob", 20, None))
    same = {"user_id": bob.id, "access_level": AccessLevel.REPORTER}
    equal(refused(GitlabCreateError, 409, lambda: team.members.create(same)), "Member already exists")
    refused(GitlabCreateError, 404, lambda: team.members.create({"user_id": 999_999, "access_level": 30}))
    refused(GitlabCreateError, 400, lambda: core.members.create({"user_id": bob.id, "access_level": 33}))

    step("membership is inherited")
    equal(core.members.list(get_all=True, user_ids=[bob.id]), [])
    equal([member.access_level for member in core.members_all.list(get_all=True, query="bo")], [20])
    refused(GitlabGetError, 404, lambda: core.members.get(bob.id))
    equal(core.members_all.get(bob.id).access_level, 20)
    equal(as_bob.projects.get("team/core.lib/lib.go").permissions["group_access"]["access_level"], 20)

    step("a level is changed")
    added.access_level = AccessLevel.DEVELOPER
    added.expires_at = "2099-01-31"
    added.save()
    member = team.members.get(bob.id)
    equal((member.access_level, member.expires_at), (30, "2099-01-31"))
    made = as_bob.projects.create({"path": "by-bob", "namespace_id": core.id})
    equal(made.creator_id, bob.id)

    step("members of a project")
    project.members.create({"user_id": bob.id, "access_level": AccessLevel.MAINTAINER, "expires_at": "2099-12-31"})
    equal([(one.username, one.expires_at) for one in project.members.list(get_all=True)], [("bob", "2099-12-31")])
    highest = {one.username: one.access_level for one in project.members_all.list(get_all=True)}
    equal(highest, {"ada": 50, "bob": 40})

    step("nobody gives more than one has, or manages what is not one's own")
    theirs = as_bob.projects.get(project.id)
    owner = theirs.members_all.get(gl.user.id)
    equal(owner.access_level, 50)
    refused(GitlabCreateError, 403, lambda: theirs.members.create({"user_id": gl.user.id, "access_level": 50}))
    of_group = as_bob.groups.get(team.id).members.get(gl.user.id)
    of_group.access_level = AccessLevel.GUEST
    refused(GitlabUpdateError, 403, of_group.save)
    nobody = gitlab.Gitlab(gl.url).groups.get(team.id, lazy=True)
    refused(GitlabAuthenticationError, 401, lambda: nobody.members.list(get_all=False))

    step("a member leaves")
    project.members.delete(bob.id)
    equal(project.members_all.get(bob.id).access_level, 30)
    team.members.delete(bob.id)
    refused(GitlabDeleteError, 404, lambda: team.members.delete(bob.id))
    refused(GitlabGetError, 404, lambda: as_bob.projects.get("team/core.lib/lib.go"))
