"""Projects: made, found, listed page by page, changed, deleted."""

from typing import Any

import gitlab
from gitlab.exceptions import (
    GitlabAuthenticationError,
    GitlabCreateError,
    GitlabGetError,
    GitlabListError,
    GitlabUpdateError,
)

from check import equal, refused, step, true
from groups import gone


def run(gl: gitlab.Gitlab, stranger: gitlab.Gitlab, team: Any, core: Any) -> Any:
    """Returns a project in the group."""
    step("projects")
    tools = gl.projects.create({"name": "Tools", "path": "tools", "namespace_id": team.id, "visibility": "internal"})
    equal((tools.name, tools.path, tools.path_with_namespace), ("Tools", "tools", "team/tools"))
    equal((tools.name_with_namespace, tools.visibility, tools.archived), ("The Team / Tools", "internal", False))
    equal((tools.packages_enabled, tools.package_registry_access_level), (True, "enabled"))
    equal((tools.namespace["id"], tools.namespace["kind"], tools.namespace["full_path"]), (team.id, "group", "team"))
    true(tools.web_url.endswith("/team/tools") and tools.http_url_to_repo == tools.web_url + ".git", tools.web_url)
    dotted = gl.projects.create({"path": "lib.go", "namespace_id": core.id})
    equal((dotted.path_with_namespace, dotted.visibility), ("team/core.lib/lib.go", "private"))
    own = gl.projects.create({"name": "notes"})
    equal((own.path_with_namespace, own.namespace["kind"], own.creator_id), ("ada/notes", "user", gl.user.id))

    step("what a project may not be")
    again = {"path": "tools", "namespace_id": team.id}
    message = refused(GitlabCreateError, 400, lambda: gl.projects.create(again))
    true("has already been taken" in message, message)
    public = {"path": "open", "namespace_id": team.id, "visibility": "public"}
    refused(GitlabCreateError, 400, lambda: gl.projects.create(public))
    refused(GitlabCreateError, 403, lambda: stranger.projects.create({"path": "x", "namespace_id": team.id}))
    refused(GitlabAuthenticationError, 401, lambda: gitlab.Gitlab(gl.url).projects.create({"path": "x"}))

    step("by number and by path")
    equal(gl.projects.get("team/core.lib/lib.go").id, dotted.id)
    equal(gl.projects.get(own.id).path_with_namespace, "ada/notes")
    equal(gl.projects.get(tools.id).permissions["group_access"]["access_level"], 50)
    equal(refused(GitlabGetError, 404, lambda: gl.projects.get("team/none")), "404 Project Not Found")
    equal(refused(GitlabGetError, 404, lambda: stranger.projects.get(dotted.id)), "404 Project Not Found")
    refused(GitlabAuthenticationError, 401, lambda: gitlab.Gitlab(gl.url).projects.get(dotted.id))

    step("lists by page number")
    for number in range(5):
        gl.projects.create({"path": f"part-{number}", "namespace_id": core.id})
    pages = gl.projects.list(iterator=True, per_page=3, search="part", order_by="id", sort="asc")
    equal((pages.total, pages.total_pages, pages.per_page, pages.current_page), (5, 2, 3, 1))
    equal((pages.prev_page, pages.next_page), (None, 2))
    equal([project.path for project in pages], [f"part-{number}" for number in range(5)])
    second = gl.projects.list(page=2, per_page=3, search="part", order_by="path", sort="desc")
    equal([project.path for project in second], ["part-1", "part-0"])
    equal(gl.projects.list(page=3, per_page=3, search="part"), [])
    head = gl.http_head("/projects", search="part", per_page=1)
    equal((head["X-Total"], head["X-Total-Pages"], head["X-Next-Page"]), ("5", "5", "2"))

    step("lists by position")
    walked = gl.projects.list(iterator=True, pagination="keyset", order_by="id", per_page=2, membership=True)
    equal(walked.total, None)
    ids = [project.id for project in walked]
    equal(ids, sorted(ids, reverse=True))
    equal(len(ids), 8)
    upwards = gl.projects.list(get_all=True, pagination="keyset", order_by="id", sort="asc", per_page=3)
    equal([project.id for project in upwards if project.id in ids], sorted(ids))
    refused(GitlabListError, 400, lambda: gl.projects.list(get_all=False, order_by="colour"))

    step("projects of groups")
    equal({project.path for project in team.projects.list(get_all=True)}, {"tools"})
    below = team.projects.list(get_all=True, include_subgroups=True, order_by="path", sort="asc")
    equal([project.path for project in below], ["lib.go", *[f"part-{n}" for n in range(5)], "tools"])
    equal([project.path for project in stranger.projects.list(get_all=True, search="tools")], ["tools"])
    equal(stranger.projects.list(get_all=True, search="part-"), [])

    step("a project is changed")
    tools.description = "What we work with"
    tools.package_registry_access_level = "disabled"
    true(tools.topics is None or tools.topics == [], "topics is sent back by save()")
    tools.save()
    changed = gl.projects.get(tools.id)
    equal((changed.description, changed.packages_enabled), ("What we work with", False))
    refused(GitlabListError, 403, lambda: changed.packages.list(get_all=False))
    changed.packages_enabled = True
    changed.save()
    equal(gl.projects.get(tools.id).package_registry_access_level, "enabled")
    lazily = stranger.projects.get(tools.id, lazy=True)
    lazily.description = "mine"
    refused(GitlabUpdateError, 403, lazily.save)

    step("a project is deleted")
    own.delete()
    gone(lambda: gl.projects.get(own.id))
    reborn = gl.projects.create({"name": "notes"})
    true(reborn.id != own.id, "a number is never used again")
    return gl.projects.get(tools.id)
