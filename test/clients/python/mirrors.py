"""Pull mirrors: made, seen, told to look, switched off."""

from typing import Any

import gitlab
from gitlab.exceptions import GitlabGetError

from check import equal, refused, step, true


def run(gl: gitlab.Gitlab, team: Any) -> None:
    step("pull mirrors")
    project = gl.projects.create({"path": "followed", "namespace_id": team.id})
    refused(GitlabGetError, 404, lambda: project.pull_mirror.get())
    made = project.pull_mirror.create({"url": "https://ci:s3cret@git.example.invalid/acme/lib.git"})
    equal((made.url, made.enabled), ("https://git.example.invalid/acme/lib.git", True))
    shown = project.pull_mirror.get()
    true("s3cret" not in str(shown.attributes), str(shown.attributes))
    equal(gl.projects.get(project.id).mirror, True)
    project.pull_mirror.start()
    project.pull_mirror.update(new_data={"enabled": False})
    equal(project.pull_mirror.get().enabled, False)
    equal(gl.projects.get(project.id).mirror, False)
    project.delete()
