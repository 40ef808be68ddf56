"""Personal access tokens and deploy tokens, from their making to their end."""

from datetime import date, datetime, timedelta, timezone
from typing import Any

import gitlab
from gitlab.exceptions import (
    GitlabAuthenticationError,
    GitlabCreateError,
    GitlabGetError,
    GitlabHttpError,
    GitlabListError,
)

from check import equal, refused, step, true


def in_days(days: int) -> str:
    return (datetime.now(timezone.utc).date() + timedelta(days=days)).isoformat()


def client_of(gl: gitlab.Gitlab, url: str, user: Any) -> gitlab.Gitlab:
    """A client that is the user."""
    made = gl.users.get(user.id).personal_access_tokens.create({"name": "of the program", "scopes": ["api"]})
    client = gitlab.Gitlab(url, private_token=made.token)
    client.auth()
    equal(client.user.id, user.id)
    return client


def run(gl: gitlab.Gitlab, url: str, user: Any) -> None:
    step("an administrator makes a token for a user")
    made = user.personal_access_tokens.create(
        {"name": "laptop", "scopes": ["api", "read_user"], "expires_at": in_days(30)}
    )
    equal((made.name, made.user_id, made.revoked, made.active), ("laptop", user.id, False, True))
    equal((sorted(made.scopes), made.expires_at), (["api", "read_user"], in_days(30)))
    equal(made.last_used_at, None)
    datetime.fromisoformat(made.created_at.replace("Z", "+00:00"))
    refused(GitlabCreateError, 400, lambda: user.personal_access_tokens.create({"name": "x", "scopes": []}))
    refused(GitlabCreateError, 400, lambda: user.personal_access_tokens.create({"name": "x", "scopes": ["sudo_all"]}))

    step("the user looks at it")
    own = gitlab.Gitlab(url, private_token=made.token)
    myself = own.personal_access_tokens.get("self")
    equal((myself.id, myself.name, hasattr(myself, "token")), (made.id, "laptop", False))
    equal(own.personal_access_tokens.get(made.id).id, made.id)
    refused(
        GitlabCreateError, 403, lambda: own.users.get(user.id).personal_access_tokens.create(
            {"name": "x", "scopes": ["api"]}
        )
    )

    step("a token of somebody else is not for looking at")
    of_root = gl.personal_access_tokens.get("self")
    refused(GitlabAuthenticationError, 401, lambda: own.personal_access_tokens.get(of_root.id))
    refused(GitlabAuthenticationError, 401, lambda: own.personal_access_tokens.list(user_id=of_root.user_id))
    refused(GitlabGetError, 404, lambda: gl.personal_access_tokens.get(999_999))

    step("lists with filters")
    past = user.personal_access_tokens.create({"name": "long ago", "scopes": ["api"], "expires_at": "2020-01-31"})
    equal((past.active, past.expires_at), (False, "2020-01-31"))

    def names(**filters: Any) -> list[str]:
        found = gl.personal_access_tokens.list(user_id=user.id, get_all=True, **filters)
        return sorted(token.name for token in found)

    equal(names(), ["laptop", "long ago"])
    equal(names(state="active"), ["laptop"])
    equal(names(state="inactive"), ["long ago"])
    equal(names(revoked=False), ["laptop", "long ago"])
    equal(names(revoked=True), [])
    equal(names(search="LAP"), ["laptop"])
    equal(names(expires_before=in_days(0)), ["long ago"])
    equal(names(expires_after=in_days(0)), ["laptop"])
    equal(names(created_before="2020-01-01T00:00:00Z"), [])
    equal(names(created_after="2020-01-01T00:00:00Z"), ["laptop", "long ago"])
    equal([token.name for token in own.personal_access_tokens.list(get_all=True, sort="name_asc")], ["laptop", "long ago"])
    true(
        {token.user_id for token in gl.personal_access_tokens.list(get_all=True)} >= {user.id, of_root.user_id},
        "an administrator sees the tokens of all",
    )
    refused(GitlabListError, 400, lambda: gl.personal_access_tokens.list(state="asleep"))

    step("rotation: a new secret, and the old one is dead in the same instant")
    rotated = gl.personal_access_tokens.rotate(made.id, expires_at=in_days(60))
    true(rotated["id"] != made.id and rotated["token"] != made.token, "the new token is the old one")
    equal((rotated["name"], rotated["expires_at"], rotated["active"]), ("laptop", in_days(60), True))
    equal(sorted(rotated["scopes"]), ["api", "read_user"])
    refused(GitlabAuthenticationError, 401, lambda: own.personal_access_tokens.get("self"))
    equal(gl.personal_access_tokens.get(made.id).revoked, True)
    own = gitlab.Gitlab(url, private_token=rotated["token"])

    step("rotation of oneself: a week, if nothing is said")
    itself = own.personal_access_tokens.rotate("self")
    equal(date.fromisoformat(itself["expires_at"]).isoformat(), in_days(7))
    refused(GitlabAuthenticationError, 401, own.auth)
    own = gitlab.Gitlab(url, oauth_token=itself["token"])
    by_object = own.personal_access_tokens.get("self")
    by_object.rotate()
    refused(GitlabAuthenticationError, 401, own.auth)
    own = gitlab.Gitlab(url, private_token=by_object.token)
    refused(GitlabAuthenticationError, 401, lambda: gl.personal_access_tokens.rotate(made.id))

    step("revocation")
    second = user.personal_access_tokens.create({"name": "phone", "scopes": ["read_api"]})
    own.personal_access_tokens.delete(second.id)
    equal(gl.personal_access_tokens.get(second.id).revoked, True)
    refused(GitlabAuthenticationError, 401, gitlab.Gitlab(url, private_token=second.token).auth)
    own.personal_access_tokens.delete("self")
    refused(GitlabAuthenticationError, 401, own.auth)
    equal(names(state="active"), [])

    step("a user makes, rotates and revokes tokens alone, and none that outlives the one that asks")
    start = user.personal_access_tokens.create({"name": "self-service", "scopes": ["api"], "expires_at": in_days(9)})
    alone = gitlab.Gitlab(url, private_token=start.token)
    path = "/user/personal_access_tokens"
    wanted = {"name": "of my own", "scopes": ["read_api"], "expires_at": in_days(8)}
    mine = alone.http_post(path, post_data=wanted)
    equal((mine["name"], mine["scopes"], mine["user_id"], mine["expires_at"]), ("of my own", ["read_api"], user.id, in_days(8)))
    refused(GitlabHttpError, 403, lambda: alone.http_post(path, post_data={**wanted, "expires_at": in_days(10)}))
    turned = alone.personal_access_tokens.rotate(mine["id"], expires_at=in_days(9))
    refused(GitlabAuthenticationError, 401, gitlab.Gitlab(url, private_token=mine["token"]).auth)
    gitlab.Gitlab(url, private_token=turned["token"]).auth()
    alone.personal_access_tokens.delete(turned["id"])
    refused(GitlabAuthenticationError, 401, gitlab.Gitlab(url, private_token=turned["token"]).auth)
    refused(GitlabHttpError, 403, lambda: alone.http_post(path, post_data={"name": "x", "scopes": ["api"], "expires_at": in_days(99)}))
    alone.personal_access_tokens.delete("self")

    step("a token with too small a scope")
    narrow = user.personal_access_tokens.create({"name": "narrow", "scopes": ["read_user"]})
    client = gitlab.Gitlab(url, private_token=narrow.token)
    client.auth()
    equal(client.personal_access_tokens.get("self").id, narrow.id)
    equal(refused(GitlabListError, 403, lambda: client.projects.list(get_all=False)), "insufficient_scope")
    client.personal_access_tokens.delete("self")


def deploy_tokens(gl: gitlab.Gitlab, owner: gitlab.Gitlab, stranger: gitlab.Gitlab, project: Any) -> None:
    step("deploy tokens of a project")
    made = project.deploytokens.create(
        {"name": "ci", "scopes": ["read_repository", "read_package_registry"], "expires_at": "2099-12-31"}
    )
    equal((made.name, made.revoked, made.expired), ("ci", False, False))
    equal(sorted(made.scopes), ["read_package_registry", "read_repository"])
    true(made.expires_at.startswith("2099-12-31T00:00:00") and made.token and made.username, f"{made!r}")
    named = project.deploytokens.create({"name": "second", "scopes": ["read_repository"], "username": "robot"})
    equal((named.username, named.expires_at), ("robot", None))
    equal(sorted(token.name for token in project.deploytokens.list(get_all=True)), ["ci", "second"])
    equal(hasattr(project.deploytokens.get(made.id), "token"), False)
    true(made.id in [token.id for token in gl.deploytokens.list(get_all=True)], "not in the administrator's list")
    refused(GitlabListError, 403, lambda: owner.deploytokens.list(get_all=False))
    refused(GitlabCreateError, 400, lambda: project.deploytokens.create({"name": "x", "scopes": ["api"]}))
    refused(GitlabGetError, 404, lambda: project.deploytokens.get(999_999))
    with_token = gitlab.Gitlab(gl.url, http_username=made.username, http_password=made.token)
    refused(GitlabHttpError, 403, lambda: with_token.http_get("/user"))
    project.deploytokens.delete(named.id)
    equal([token.name for token in project.deploytokens.list(get_all=True, active=True)], ["ci"])
    lazily = stranger.projects.get(project.id, lazy=True)
    refused(GitlabListError, 403, lambda: lazily.deploytokens.list(get_all=False))


def group_deploy_tokens(gl: gitlab.Gitlab, owner: gitlab.Gitlab, stranger: gitlab.Gitlab, team: Any, core: Any) -> None:
    step("deploy tokens of a group")
    made = team.deploytokens.create(
        {"name": "all", "scopes": ["read_repository", "read_package_registry"], "expires_at": "2099-12-31"}
    )
    equal((made.name, made.revoked, made.expired), ("all", False, False))
    equal(sorted(made.scopes), ["read_package_registry", "read_repository"])
    true(made.expires_at.startswith("2099-12-31T00:00:00") and made.token and made.username, f"{made!r}")
    named = team.deploytokens.create({"name": "second", "scopes": ["read_repository"], "username": "robot"})
    equal((named.username, named.expires_at), ("robot", None))
    below = core.deploytokens.create({"name": "below", "scopes": ["read_package_registry"]})
    equal(sorted(token.name for token in team.deploytokens.list(get_all=True)), ["all", "second"])
    equal([token.name for token in core.deploytokens.list(get_all=True)], ["below"])
    equal(hasattr(team.deploytokens.get(made.id), "token"), False)
    refused(GitlabGetError, 404, lambda: core.deploytokens.get(made.id))
    refused(GitlabGetError, 404, lambda: team.deploytokens.get(999_999))
    refused(GitlabCreateError, 400, lambda: team.deploytokens.create({"name": "x", "scopes": ["api"]}))
    everywhere = {token.id for token in gl.deploytokens.list(get_all=True)}
    true({made.id, named.id, below.id} <= everywhere, f"the administrator sees {everywhere}")
    lazily = stranger.groups.get(team.id, lazy=True)
    refused(GitlabListError, 403, lambda: lazily.deploytokens.list(get_all=False))

    step("a group's deploy token fetches from its projects, by nothing but its own user name")
    feed = f"/groups/{team.id}/-/packages/go/index"
    with_token = gitlab.Gitlab(gl.url, http_username=made.username, http_password=made.token)
    equal(with_token.http_request("get", feed).status_code, 200)
    wrong = gitlab.Gitlab(gl.url, http_username="another", http_password=made.token)
    refused(GitlabAuthenticationError, 401, lambda: wrong.http_request("get", feed))
    refused(GitlabHttpError, 403, lambda: with_token.http_get(f"/groups/{team.id}"))

    step("a group's deploy token that is deleted opens nothing")
    team.deploytokens.delete(named.id)
    made.delete()
    core.deploytokens.delete(below.id)
    equal(team.deploytokens.list(get_all=True, active=True), [])
    refused(GitlabAuthenticationError, 401, lambda: with_token.http_request("get", feed))
