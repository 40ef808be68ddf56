"""Feature flags, which administrators set."""

from typing import Any

import gitlab
from gitlab.exceptions import GitlabAuthenticationError, GitlabListError, GitlabSetError

from check import equal, refused, step, true


def run(gl: gitlab.Gitlab, user: gitlab.Gitlab, project: Any, group: Any) -> None:
    step("feature flags")
    actor = f"Project:{project.id}"
    flag = gl.features.set("trial", True, project="team/tools")
    equal((flag.name, flag.state), ("trial", "conditional"))
    equal(flag.gates, [{"key": "boolean", "value": False}, {"key": "actors", "value": [actor]}])
    flag = gl.features.set("trial", 100, group="team", user="ada")
    actors = next(gate["value"] for gate in flag.gates if gate["key"] == "actors")
    equal(sorted(actors), sorted([actor, f"Group:{group.id}", f"User:{user.user.id}"]))
    flag = gl.features.set("trial", False, project="team/tools")
    true(actor not in str(flag.gates), f"{flag.gates}")
    equal(gl.features.set("trial", True).state, "on")
    equal(gl.features.set("trial", False).gates, [{"key": "boolean", "value": False}])

    step("flags in the list")
    equal({flag.name: flag.state for flag in gl.features.list(get_all=True)}, {"go_proxy": "on", "trial": "off"})
    refused(GitlabSetError, 400, lambda: gl.features.set("trial", True, project="no/such"))
    refused(GitlabSetError, 400, lambda: gl.features.set("trial", "perhaps"))
    refused(GitlabListError, 403, lambda: user.features.list(get_all=True))
    refused(GitlabAuthenticationError, 401, lambda: gitlab.Gitlab(gl.url).features.list(get_all=True))

    step("flags forgotten")
    gl.features.delete("trial")
    gl.features.delete("trial")
    equal([flag.name for flag in gl.features.list(get_all=True)], ["go_proxy"])
