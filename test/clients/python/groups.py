"""Groups in groups."""

import time
from typing import Any, Tuple

import gitlab
from gitlab.exceptions import GitlabAuthenticationError, GitlabCreateError, GitlabDeleteError, GitlabGetError

from check import equal, refused, step, true


def gone(call: Any) -> None:
    """Waits for something to be gone: GitLab deletes in its own time."""
    for _ in range(100):
        try:
            call()
        except GitlabGetError as error:
            equal(error.response_code, 404)
            return
        time.sleep(0.1)
    raise AssertionError("it is still there")


def run(gl: gitlab.Gitlab, stranger: gitlab.Gitlab) -> Tuple[Any, Any]:
    """Returns a group and one in it; the first client's user owns them."""
    step("groups and subgroups")
    team = gl.groups.create({"name": "The Team", "path": "team", "description": "all of us"})
    equal((team.name, team.path, team.full_path, team.full_name), ("The Team", "team", "team", "The Team"))
    equal((team.visibility, team.parent_id, team.description), ("private", None, "all of us"))
    true(team.web_url.endswith("/groups/team"), team.web_url)
    core = gl.groups.create({"name": "Core", "path": "core.lib", "parent_id": team.id})
    equal((core.full_path, core.full_name, core.parent_id), ("team/core.lib", "The Team / Core", team.id))
    deep = gl.groups.create({"name": "Deep", "path": "deep", "parent_id": core.id})

    step("what a group may not be")
    refused(GitlabCreateError, 400, lambda: gl.groups.create({"name": "Again", "path": "TEAM"}))
    refused(
        GitlabCreateError,
        400,
        lambda: gl.groups.create({"name": "x", "path": "x", "parent_id": team.id, "visibility": "public"}),
    )
    refused(GitlabCreateError, 404, lambda: gl.groups.create({"name": "x", "path": "x", "parent_id": 999_999}))
    refused(GitlabCreateError, 404, lambda: stranger.groups.create({"name": "x", "path": "x", "parent_id": team.id}))
    refused(GitlabAuthenticationError, 401, lambda: gitlab.Gitlab(gl.url).groups.create({"name": "x", "path": "x"}))

    step("by number, by path, in lists")
    equal(gl.groups.get("team/core.lib").id, core.id)
    equal(gl.groups.get(deep.id).full_path, "team/core.lib/deep")
    equal([group.id for group in team.subgroups.list(get_all=True)], [core.id])
    equal({group.id for group in team.descendant_groups.list(get_all=True)}, {core.id, deep.id})
    equal([group.full_path for group in gl.groups.list(search="core", get_all=True)], ["team/core.lib"])
    equal([group.path for group in gl.groups.list(top_level_only=True, owned=True, get_all=True)], ["team"])
    found = gl.groups.list(order_by="path", sort="desc", get_all=True, skip_groups=[team.id])
    equal([group.path for group in found], ["deep", "core.lib"])
    equal(refused(GitlabGetError, 404, lambda: stranger.groups.get("team")), "404 Group Not Found")
    equal(refused(GitlabGetError, 404, lambda: stranger.groups.get("none")), "404 Group Not Found")
    equal(stranger.groups.list(get_all=True), [])

    step("a group is changed")
    team.description = "all of us, and friends"
    team.visibility = "internal"
    team.save()
    equal(gl.groups.get(team.id).description, "all of us, and friends")
    equal([group.path for group in stranger.groups.list(get_all=True)], ["team"])
    deep.delete()
    gone(lambda: gl.groups.get(deep.id))
    return team, core


def end(gl: gitlab.Gitlab, team: Any, core: Any) -> None:
    step("a group goes with everything in it")
    inside = [project.id for project in team.projects.list(include_subgroups=True, get_all=True)]
    true(inside, "the group has projects")
    team.delete()
    for project in inside:
        gone(lambda: gl.projects.get(project))
    gone(lambda: gl.groups.get(core.id))
    gone(lambda: gl.groups.get("team"))
    refused(GitlabDeleteError, 404, team.delete)
