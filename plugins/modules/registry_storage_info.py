# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what is in a registry's storage (runs at the API, on the node with the pod, or where the storage is mounted)."""

DOCUMENTATION = r"""
module: registry_storage_info
short_description: Tell what is in an image registry's storage, by repository and in total
description:
  - Lists the files below a registry's root directory, as C(find /registry) would, and returns what they are as data -
    repositories, tags, revisions, signatures, layers, uploads with their age, and blobs with their bytes, those that
    several repositories share and those that none refers to.
  - Names links that lead nowhere, links that are gone, and uploads that were given up.
  - Looks from inside the registry's pod by default. Where no command can be run in it, as in a privileged pod of
    OpenShift 3, it takes the container engine of the host that it runs on, if the pod is there; with O(runtime) or
    O(container) on the node, it asks the container engine at once, and with O(path) it walks a mounted directory.
    Neither of these needs the cluster.
  - Reads no image and changes nothing. What a garbage collection would free can be more than what is
    RV(unreferenced), since it also looks at which layers the images of a repository still name.
author:
  - okd.registry contributors (@okd-registry)
version_added: 1.0.0
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - okd.registry._registry_common
  - okd.registry._attributes
  - okd.registry._attributes.registry_group
  - okd.registry._attributes.info
options:
  path:
    description:
      - Directory of this host that is the registry's root directory, the one that has C(docker/registry/v2) in it. It
        may be an NFS export on its server, the directory of a C(host_path), or a volume mounted for this.
    type: path
  runtime:
    description:
      - Look by the container engine of this host. V(auto) takes the first of V(docker) and V(crictl) that is there and
        has the registry's container, or O(container). C(ctr) is not used.
    type: str
    choices: [auto, docker, crictl]
  container:
    description:
      - Id or name of the registry's container on this host.
      - Left out, it is the container C(registry) of a pod that is called as pods of O(name) in O(namespace) are.
    type: str
  root:
    description:
      - The registry's root directory in its container. Its default is what the workload or its configuration says;
        it is C(/registry) where the cluster is not asked.
    type: str
  stale_after:
    description:
      - Seconds without a byte after which an upload counts as given up. The registry itself removes them after a week.
    type: int
    default: 86400
  limit:
    description:
      - The most entries of each of the lists RV(uploads), RV(broken), RV(unlinked), RV(unreferenced) and
        RV(repositories[].tagged); V(0) for none. RV(totals) always counts all.
    type: int
    default: 100
  timeout:
    description:
      - Seconds after which listing in a container is given up.
    type: int
    default: 600
notes:
  - Pushes that go on meanwhile do no harm. A link whose blob came after the list of blobs was made is looked at again,
    for up to 100 of them.
  - In the container, C(sh), C(find), C(stat), C(xargs), C(sed), C(tr), C(grep) and C(date) are needed, of busybox or
    of GNU.
  - Memory does not grow with the number of blobs. What is listed is kept in a temporary file on the host that the
    module runs on, about 13 MB for 100 000 blobs with a link each.
  - With O(path), O(runtime) or O(container), the host needs Python 3.6 or newer and nothing beyond its standard
    library.
seealso:
  - module: okd.registry.registry_info
"""

EXAMPLES = r"""
- name: What is stored?
  okd.registry.registry_storage_info:
    kubeconfig: /etc/origin/master/admin.kubeconfig
  register: storage

- name: The five largest repositories
  ansible.builtin.debug:
    msg: "{{ (storage.repositories | sort(attribute='bytes', reverse=true))[:5] }}"

- name: The same on the node that runs the pod, where nobody may run commands in it through the API
  okd.registry.registry_storage_info:
    runtime: auto
  delegate_to: node1.example.com

- name: The same on the NFS server
  okd.registry.registry_storage_info:
    path: /exports/registry
  delegate_to: nfs.example.com

- name: Fail where an image cannot be pulled any more
  okd.registry.registry_storage_info:
  register: storage
  failed_when: storage.totals.broken > 0
"""

RETURN = r"""
via:
  description: The way that was taken - V(exec), V(docker), V(crictl) or V(path).
  returned: success
  type: str
  sample: exec
pod:
  description:
    - The pod that was looked into; null with O(path) or O(container).
    - Also returned where nothing can be run in it.
  returned: success, or failure to look into a pod
  type: str
  sample: docker-registry-1-cpty9
node:
  description: The Node that runs the pod. Also returned where nothing can be run in it, to know where to look instead.
  returned: when the cluster was asked, on success or failure to look into a pod
  type: str
  sample: node1.example.com
container:
  description: Name of the container, or its id where a container engine was asked; null with O(path).
  returned: success
  type: str
  sample: registry
root:
  description: The directory that was walked.
  returned: success
  type: str
  sample: /registry
complete:
  description: Whether all of it could be read. Otherwise there is at least so much, and what seems broken may not be.
  returned: success
  type: bool
reason:
  description: Why not, or null.
  returned: success
  type: str
totals:
  description: All repositories together.
  returned: success
  type: dict
  contains:
    repositories:
      description: How many repositories there are, with images or without.
      type: int
    tags:
      description: Tags.
      type: int
    revisions:
      description: Images (manifests) of repositories, with a tag or without.
      type: int
    signatures:
      description:
        - Links to signatures of images, which registries before 3.6 write for images of schema 1. They count neither
          as revisions nor as layers. Signatures that are objects of the API are not stored here, and those of cosign
          are images with a tag of their own.
      type: int
    layers:
      description: Links to layers and to the configurations of images.
      type: int
    blobs:
      description: What is stored, each once - layers, configurations, manifests, signatures.
      type: int
    bytes:
      description: Their bytes.
      type: int
    shared_blobs:
      description: Those that more than one repository has links to.
      type: int
    shared_bytes:
      description: Their bytes, each counted once.
      type: int
    unreferenced_blobs:
      description: Those that no repository has a link to.
      type: int
    unreferenced_bytes:
      description: Their bytes.
      type: int
    uploads:
      description: Layers that are being pushed, or whose push was given up.
      type: int
    upload_bytes:
      description: Their bytes.
      type: int
    stale_uploads:
      description: Those for which nothing came for O(stale_after) seconds.
      type: int
    broken:
      description: Links and tags that lead nowhere.
      type: int
    unlinked:
      description: Places of links that have none.
      type: int
    other_files:
      description:
        - Files that are no registry's. They are not looked for beside a blob's data and a layer's link, and not in
          C(lost+found), nor in a tag's index.
      type: int
    other_bytes:
      description: Their bytes.
      type: int
  sample:
    repositories: 2
    tags: 2
    revisions: 2
    signatures: 0
    layers: 6
    blobs: 7
    bytes: 2764912
    shared_blobs: 1
    shared_bytes: 1384448
    unreferenced_blobs: 0
    unreferenced_bytes: 0
    uploads: 1
    upload_bytes: 4096
    stale_uploads: 0
    broken: 0
    unlinked: 0
    other_files: 0
    other_bytes: 0
repositories:
  description: Each repository, by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    tags:
      description: Its tags.
      type: int
    tagged:
      description: Their names, and the digest of the image that each names; null where it names none.
      type: list
      elements: dict
      contains:
        tag:
          description: The tag.
          type: str
        digest:
          description: What it names.
          type: str
    revisions:
      description: Its images.
      type: int
    signatures:
      description: Its links to signatures of images, as in RV(totals.signatures).
      type: int
    layers:
      description: Its links to layers and configurations.
      type: int
    blobs:
      description: The blobs that it has links to.
      type: int
    bytes:
      description: Their bytes.
      type: int
    own_bytes:
      description: Those of blobs that no other repository has a link to.
      type: int
    uploads:
      description: Uploads to it.
      type: int
    upload_bytes:
      description: Their bytes.
      type: int
    broken:
      description: How many of RV(broken) are its.
      type: int
  sample:
    - name: p1/pause
      tags: 1
      tagged:
        - tag: latest
          digest: sha256:e9a2ac6418981897b399d3709f1b4a6d2723cd38a4909215ce2752a5c068b1cf
      revisions: 1
      signatures: 1
      layers: 2
      blobs: 4
      bytes: 246018
      own_bytes: 245986
      uploads: 0
      upload_bytes: 0
      broken: 0
uploads:
  description: Uploads, those for which nothing came for the longest time first.
  returned: success
  type: list
  elements: dict
  contains:
    repository:
      description: Where to.
      type: str
    id:
      description: Its id.
      type: str
    path:
      description: Its directory below C(docker/registry/v2).
      type: str
    bytes:
      description: What has come.
      type: int
    age:
      description: Seconds since it was begun; null where nothing tells.
      type: int
    idle:
      description: Seconds since something came; null where it has no file.
      type: int
    stale:
      description: Whether it counts as given up.
      type: bool
    problem:
      description: What is wrong with it, or null.
      type: str
  sample:
    - repository: p1/pause
      id: 3c1b2f58-9b67-4e5f-a6a1-7f0c3f4d2a10
      path: repositories/p1/pause/_uploads/3c1b2f58-9b67-4e5f-a6a1-7f0c3f4d2a10
      bytes: 4096
      age: 260000
      idle: 259000
      stale: true
      problem: null
broken:
  description: Links and tags that lead nowhere. What needs them cannot be pulled.
  returned: success
  type: list
  elements: dict
  contains:
    repository:
      description: Whose it is.
      type: str
    kind:
      description: One of C(tag), C(revision), C(layer), C(signature).
      type: str
    name:
      description: The tag, or the digest that the link is for.
      type: str
    path:
      description: The link, below C(docker/registry/v2).
      type: str
    reason:
      description: What is wrong with it.
      type: str
  sample:
    - repository: p1/pause
      kind: tag
      name: latest
      path: repositories/p1/pause/_manifests/tags/latest/current/link
      reason: it has no current link
unlinked:
  description:
    - Layers and images of repositories whose link is gone while its directory is there. A registry leaves them so when
      they are deleted through its API; otherwise the link was lost, and images that need it cannot be pulled.
  returned: success
  type: list
  elements: dict
  contains:
    repository:
      description: Whose it was.
      type: str
    kind:
      description: C(layer) or C(revision).
      type: str
    digest:
      description: What it was for.
      type: str
  sample: []
unreferenced:
  description: The largest blobs that no repository has a link to.
  returned: success
  type: list
  elements: dict
  contains:
    digest:
      description: Its digest.
      type: str
    bytes:
      description: Its bytes.
      type: int
  sample: []
api_requests:
  description: How many requests the API server got, by HTTP verb; discovery and waiting apart.
  returned: when the cluster was asked
  type: dict
  sample: {get: 3, post: 0, patch: 0, delete: 0, discovery: 1, waiting: 0}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._node import storagelook, storagereport
from ansible_collections.okd.registry.plugins.module_utils._node.errors import NodeError

ARGUMENTS = {
    "path": {"type": "path"},
    "runtime": {"type": "str", "choices": ["auto", "docker", "crictl"]},
    "container": {"type": "str"},
    "root": {"type": "str"},
    "stale_after": {"type": "int", "default": 86400},
    "limit": {"type": "int", "default": 100},
    "timeout": {"type": "int", "default": 600},
}


def on_this_host(module):
    """Look without the cluster; give the module's result."""
    params = module.params
    options = storagereport.Options(params["stale_after"], params["limit"])
    if params["path"]:
        where = {"via": "path", "pod": None, "container": None, "root": params["path"]}
        source = storagelook.Mounted(params["path"])
    else:
        source, where = storagelook.in_some_container(params)
    return dict(where, **storagelook.look(source, options))


def main():
    """Read the options, and look from where they say."""
    module = AnsibleModule(
        argument_spec=argument_spec(COMMON, ARGUMENTS),
        mutually_exclusive=[("path", "runtime"), ("path", "container"), ("path", "root")],
        supports_check_mode=True,
    )
    params = module.params
    for name, least in (("stale_after", 0), ("limit", 0), ("timeout", 1)):
        if params[name] < least:
            module.fail_json(msg="{}: {} is less than {}.".format(name, params[name], least))
    if not (params["path"] or params["runtime"] or params["container"]):
        # What is needed for the cluster's side only: it is for newer Pythons than nodes may have.
        from ansible_collections.okd.registry.plugins.module_utils import _kube, _storageinfo

        _kube.run(module, _storageinfo.execute)
    try:
        result = on_this_host(module)
    except NodeError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
