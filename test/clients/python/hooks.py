"""Hooks of projects, groups and the instance, as python-gitlab has them."""

from typing import Any

import gitlab
from gitlab.exceptions import GitlabCreateError, GitlabGetError

from check import equal, refused, step, true


def run(gl: gitlab.Gitlab, project: Any, group: Any) -> None:
    for place, manager in (("a project", project.hooks), ("a group", group.hooks)):
        step(f"hooks of {place}")
        made = manager.create({"url": "https://hooks.example.com/in", "token": "sesame", "push_events": True})
        equal((made.url, made.token_present, made.alert_status), ("https://hooks.example.com/in", True, "executable"))
        true(made.signing_token.startswith("whsec_"), "there is a key of signatures")
        equal([hook.id for hook in manager.list(get_all=True)], [made.id])
        hook = manager.get(made.id)
        true(not hasattr(hook, "signing_token"), "which is shown once")
        hook.name = "chat"
        hook.events = ["version.published"]
        hook.save()
        equal((manager.get(made.id).name, manager.get(made.id).events), ("chat", ["version.published"]))
        hook.test("version.published")
        equal(gl.http_list(f"{manager.path}/{made.id}/events", get_all=True)[0]["trigger"], "version.published")
        hook.delete()
        refused(GitlabGetError, 404, lambda: manager.get(made.id))
        refused(GitlabCreateError, 400, lambda: manager.create({"url": "nowhere"}))

    step("hooks of the instance")
    system = gl.hooks.create({"url": "https://hooks.example.com/all"})
    equal([hook.id for hook in gl.hooks.list(get_all=True)], [system.id])
    gl.hooks.delete(system.id)
    equal(gl.hooks.list(get_all=True), [])
