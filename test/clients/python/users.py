"""The server, the one who asks, and users."""

from typing import Any, Tuple

import gitlab
from gitlab.exceptions import GitlabAuthenticationError, GitlabCreateError, GitlabGetError

from check import equal, refused, step, true


def run(gl: gitlab.Gitlab, url: str) -> Tuple[Any, Any]:
    """Returns two new users."""
    step("the version of the server")
    version, revision = gl.version()
    true(version[0].isdigit() and version != "unknown", f"no version: {version}")
    true(revision and revision != "unknown", f"no revision: {revision}")
    metadata = gl.http_get("/metadata")
    equal((metadata["version"], metadata["enterprise"], metadata["kas"]["enabled"]), (version, False, False))

    step("who am I")
    gl.auth()
    equal(gl.user.username, "root")
    equal(gl.user.is_admin, True)
    equal(gl.user.state, "active")
    true(gl.user.web_url.startswith(url), f"{gl.user.web_url} is not below {url}")

    step("nobody, and somebody with a bad token")
    refused(GitlabAuthenticationError, 401, gitlab.Gitlab(url).auth)
    message = refused(GitlabAuthenticationError, 401, gitlab.Gitlab(url, private_token="glpat-no-such-token").auth)
    equal(message, "invalid_token")
    refused(GitlabAuthenticationError, 401, lambda: gitlab.Gitlab(url).users.list(get_all=False))

    step("new users")
    ada = gl.users.create(
        {"username": "ada", "name": "Ada Lovelace", "email": "ada@example.com", "force_random_password": True}
    )
    equal((ada.username, ada.name, ada.state), ("ada", "Ada Lovelace", "active"))
    equal(type(ada.id), int)
    equal(ada.is_admin, False)
    bob = gl.users.create(
        {
            "username": "bob",
            "name": "Bob",
            "email": "bob@example.com",
            "password": "not kept anywhere",
            "skip_confirmation": True,
        }
    )

    step("names and addresses are given once")
    again = {"name": "X", "force_random_password": True}
    taken = refused(
        GitlabCreateError, 409, lambda: gl.users.create({**again, "username": "ADA", "email": "x@example.com"})
    )
    equal(taken, "Username has already been taken")
    taken = refused(
        GitlabCreateError, 409, lambda: gl.users.create({**again, "username": "eve", "email": "ada@example.com"})
    )
    equal(taken, "Email has already been taken")
    refused(GitlabCreateError, 400, lambda: gl.users.create({"username": "no-mail", "name": "No Mail"}))

    step("finding users")
    equal([user.id for user in gl.users.list(username="Ada", get_all=False)], [ada.id])
    equal([user.username for user in gl.users.list(search="bo", get_all=True)], ["bob"])
    equal(gl.users.list(username="nobody-of-this-name", get_all=True), [])
    equal(gl.users.get(bob.id).username, "bob")
    refused(GitlabGetError, 404, lambda: gl.users.get(999_999))
    everybody = gl.users.list(iterator=True, per_page=1)
    equal(everybody.total, len(list(everybody)))

    return ada, bob
