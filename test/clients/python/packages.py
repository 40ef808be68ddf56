"""Packages of a project and of a group: what was published, byte for byte, and its end. And the same by GraphQL."""

import hashlib
from typing import Any

import gitlab
from gql.transport.exceptions import TransportQueryError
from gitlab.exceptions import (
    GitlabAuthenticationError,
    GitlabDeleteError,
    GitlabGetError,
    GitlabHttpError,
    GitlabListError,
)

from check import equal, refused, step, true


def run(gl: gitlab.Gitlab, stranger: gitlab.Gitlab, url: str, path: str) -> None:
    """The project has a module with v1.0.0 and v1.1.0, and one in sub/ with v0.1.0."""
    project = gl.projects.get(path)
    group = gl.groups.get(project.namespace["id"])

    step("packages of a project")
    found = project.packages.list(get_all=True, order_by="version", sort="asc")
    module = next(package.name for package in found if package.version == "v1.0.0")
    true(module.endswith("/" + path), module)
    equal(
        [(package.name, package.version) for package in found],
        [(f"{module}/sub", "v0.1.0"), (module, "v1.0.0"), (module, "v1.1.0")],
    )
    for package in found:
        equal((package.package_type, package.status, package.tags), ("golang", "default", []))
        true(package._links["web_path"].startswith("/"), f"{package._links}")

    step("packages by filter")

    def versions(**filters: Any) -> list[str]:
        listed = project.packages.list(get_all=True, order_by="version", sort="desc", **filters)
        return [package.version for package in listed]

    equal(versions(package_type="golang", package_name="/SUB"), ["v0.1.0"])
    equal(versions(package_version="v1.1.0"), ["v1.1.0"])
    equal(versions(package_version="v1.1"), [])
    equal(versions(package_type="npm"), [])
    equal(versions(status="default"), ["v1.1.0", "v1.0.0", "v0.1.0"])
    equal(versions(status="hidden"), [])
    for wrong in ({"package_type": "cargo"}, {"status": "fine"}, {"order_by": "size"}):
        refused(GitlabListError, 400, lambda: project.packages.list(get_all=False, **wrong))
    pages = project.packages.list(iterator=True, per_page=2)
    equal((pages.total, pages.total_pages, len(list(pages))), (3, 2, 3))

    step("packages of a group")
    of_group = group.packages.list(get_all=True, package_name="lib", order_by="name")
    equal({(package.project_id, package.project_path) for package in of_group}, {(project.id, path)})
    equal(len(of_group), 3)

    step("one package and its files")
    package = project.packages.get(found[1].id)
    equal((package.name, package.version), (module, "v1.0.0"))
    equal([(other["id"], other["version"]) for other in package.versions], [(found[2].id, "v1.1.0")])
    files = package.package_files.list(get_all=True, order_by="file_name")
    equal([file.file_name for file in files], ["v1.0.0.mod", "v1.0.0.zip"])
    for file in files:
        served = gl.http_get(f"/projects/{project.id}/packages/go/{module}/@v/{file.file_name}", raw=True).content
        equal((file.size, file.package_id), (len(served), package.id))
        equal(file.file_sha256, hashlib.sha256(served).hexdigest())
        if file.file_sha1:
            equal(file.file_sha1, hashlib.sha1(served).hexdigest())
        if file.file_md5:
            equal(file.file_md5, hashlib.md5(served).hexdigest())
    equal(package.pipelines.list(get_all=True), [])

    step("who may see packages")
    refused(GitlabGetError, 404, lambda: project.packages.get(999_999))
    hidden = stranger.projects.get(project.id, lazy=True)
    refused(GitlabListError, 404, lambda: hidden.packages.list(get_all=False))
    nobody = gitlab.Gitlab(url).projects.get(project.id, lazy=True)
    refused(GitlabAuthenticationError, 401, lambda: nobody.packages.list(get_all=False))

    step("half a version is no version")
    refused(GitlabDeleteError, 403, files[0].delete)

    graphql(gl, url, path)

    step("a package is deleted")
    package.delete()
    equal(versions(), ["v1.1.0", "v0.1.0"])
    refused(GitlabGetError, 404, lambda: project.packages.get(package.id))
    refused(GitlabDeleteError, 404, package.delete)
    taken = f"/projects/{project.id}/packages/go/{module}/@v/v1.0.0.info"
    refused(GitlabHttpError, 410, lambda: gl.http_get(taken))


def graphql(gl: gitlab.Gitlab, url: str, path: str) -> None:
    step("the same by GraphQL")
    query = """query($path: ID!) {
      currentUser { username }
      project(fullPath: $path) { id fullPath }
      none: project(fullPath: "no/such") { id }
    }"""
    with gitlab.GraphQL(url, token=gl.private_token) as client:
        answer = client.execute(query, variable_values={"path": path})
    equal(answer["currentUser"], {"username": "root"})
    equal(answer["project"]["fullPath"], path)
    equal(answer["none"], None)
    with gitlab.GraphQL(url, token="no-such-token") as client:
        try:
            client.execute("{ currentUser { username } }")
            raise AssertionError("a bad token was good enough")
        except TransportQueryError as error:  # what python-gitlab makes of GitLab's 401
            equal(error.errors[0]["extensions"], {"code": "UNAUTHENTICATED", "reason": "token_unknown"})
