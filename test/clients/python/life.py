"""A year in the life of an organisation, as a program for GitLab would manage it: plain python-gitlab, nothing of the
server's own. GITLAB_URL and GITLAB_TOKEN (an administrator's) say where; PACKAGES_PROJECT names a project that has
packages. Prints each step; ends with a traceback at the first answer that is not what GitLab would have said."""

import os

import gitlab

import features
import groups
import hooks
import members
import mirrors
import packages
import projects
import tokens
import users
from check import step


def main() -> None:
    url = os.environ["GITLAB_URL"]
    gl = gitlab.Gitlab(url, private_token=os.environ["GITLAB_TOKEN"])
    # A deterministic failure must be seen once, not retried into a timeout.
    gl.retry_transient_errors = False

    ada, bob = users.run(gl, url)
    tokens.run(gl, url, ada)
    as_ada = tokens.client_of(gl, url, ada)
    as_bob = tokens.client_of(gl, url, bob)
    team, core = groups.run(as_ada, as_bob)
    tools = projects.run(as_ada, as_bob, team, core)
    mirrors.run(as_ada, team)
    members.run(as_ada, as_bob, team, core, tools, bob)
    tokens.deploy_tokens(gl, as_ada, as_bob, tools)
    tokens.group_deploy_tokens(gl, as_ada, as_bob, team, core)
    hooks.run(gl, as_ada.projects.get(tools.id), as_ada.groups.get(team.id))
    packages.run(gl, as_bob, url, os.environ["PACKAGES_PROJECT"])
    features.run(gl, as_ada, tools, team)
    groups.end(as_ada, team, core)
    print("the whole life went well")


if __name__ == "__main__":
    step(f"python-gitlab {gitlab.__version__}")
    main()
