# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose a registry is, and what about it matters; the registries are those of tests/api/layouts.yml."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._build import configfile, layout, layouts
from ansible_collections.okd.registry.plugins.module_utils._build.config import Facts
from ansible_collections.okd.registry.plugins.module_utils._plan import plan
from hypothesis import given
from hypothesis import strategies as st

FILE = Path(__file__).parents[4] / "api/layouts.yml"
THERE = {one["name"]: one for one in yaml.safe_load(FILE.read_text())}
WORKLOADS = ("DeploymentConfig", "Deployment", "DaemonSet")


def workload(name):
    return copy.deepcopy(next(o for o in THERE[name]["objects"] if o["kind"] in WORKLOADS))


def file_of(name):
    """The configuration file that is mounted, where there is one."""
    where = configfile.source(layout.to_look_at(workload(name))[0])
    there = [
        o for o in THERE[name]["objects"] if where and (o["kind"], o["metadata"]["name"]) == (where.kind, where.name)
    ]
    return configfile.read(where, there[0] if there else None) if where else None


def differences(found):
    return list(layouts.recognise(found).differences)


@pytest.mark.parametrize("name", THERE)
def test_recognised(name):
    seen = layouts.recognise(workload(name), file=file_of(name)).as_dict()
    told = THERE[name]["layout"]
    nothing = {"tls_secret": None, "tls_mount_path": None, "storage": None, "claim": None, "config": None}
    expected = {**nothing, "service_account": None, "kind": workload(name)["kind"], **told}
    assert seen == expected


def test_ours_once_we_have_written_it():
    found = workload("oadm-3.11")
    after = plan(found, {**found, "metadata": {**found["metadata"], "labels": {"x": "y"}}}).after
    assert layouts.recognise(after).name == "okd.registry"


def test_none():
    assert layouts.recognise(None).as_dict()["name"] == "none"
    assert layouts.of_operator(None).name == "none"


def test_the_operator_s_deployment():
    found = workload("plain-deployment")
    found["metadata"].update(name="image-registry", namespace="openshift-image-registry")
    assert layouts.recognise(found).name == "operator"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"managementState": "Managed", "storage": {"pvc": {"claim": "c"}}}, []),
        ({"managementState": "Managed", "storage": {"emptyDir": {}}}, ["ephemeral storage: images go with the pods"]),
        (
            {"managementState": "Removed", "storage": {}, "readOnly": True},
            [
                "the operator has been told no storage, so it runs no registry",
                "the operator is told to leave the registry alone (managementState Removed)",
                "read-only: pushes are refused",
            ],
        ),
    ],
)
def test_the_operator_s_config(spec, said):
    found = layouts.of_operator({"spec": spec})
    assert (found.name, list(found.differences)) == ("operator", said)
    assert found.claim == ((spec["storage"].get("pvc") or {}).get("claim"))


def test_a_certificate_that_is_in_no_secret():
    found = workload("oadm-tls")
    found["spec"]["template"]["spec"]["volumes"][0] = {"name": "server-certificate", "hostPath": {"path": "/etc/tls"}}
    seen = layouts.recognise(found)
    assert seen.tls_secret is None
    assert "its certificate /etc/pki/tls/private/tls.crt is in no mounted Secret" in seen.differences


def test_links_matter_only_where_the_account_limits_them():
    found, account = workload("oadm-tls"), {"metadata": {"name": "registry"}}
    assert layouts.recognise(found, account).differences == ()
    account["metadata"]["annotations"] = {"kubernetes.io/enforce-mountable-secrets": "true"}
    said = layouts.recognise(found, account).differences
    assert said == ("Secret registry-certs is not linked to service account registry",)
    assert layouts.recognise(found, {**account, "secrets": [{"name": "registry-certs"}]}).differences == ()


def test_where_only_a_file_says_what_is_for_images_nothing_is_said():
    found = workload("openshift-ansible-s3")
    pod = found["spec"]["template"]["spec"]
    pod["volumes"].append({"name": "other", "persistentVolumeClaim": {"claimName": "c"}})
    pod["containers"][0]["volumeMounts"].append({"name": "other", "mountPath": "/images"})
    seen = layouts.recognise(found)
    assert (seen.storage, seen.claim, seen.differences) == (None, None, ())


@pytest.mark.parametrize("tls", [True, False, None])
def test_a_configuration_file_says_whether_it_serves_tls(tls):
    found = workload("helm")
    where = configfile.source(found)
    said = None if tls is None else Facts("filesystem", tls=tls)
    seen = layouts.recognise(found, file=configfile.File(where, said))
    assert seen.tls is tls
    assert [one.partition(",")[0] for one in seen.differences if one.startswith(("plain", "a probe"))] == {
        None: [], False: ["plain http"], True: ["a probe asks by HTTP"],
    }[tls]  # fmt: skip
    assert layouts.recognise(found, file=configfile.File(configfile.Source("Secret", "x", "y"), said)).tls is None


@pytest.mark.parametrize(
    ("env", "tls"),
    [({}, False), ({"CERTIFICATE": "/a"}, True), ({"LETSENCRYPT_CACHEFILE": "/a"}, True), ({"KEY": "/a"}, False),
     ({"CERTIFICATE": ""}, False)],
)  # fmt: skip
def test_variables_say_whether_it_serves_tls(env, tls):
    found = workload("plain-deployment")
    found["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": f"REGISTRY_HTTP_TLS_{name}", "value": value} for name, value in env.items()
    ]
    assert layouts.recognise(found).tls is tls


@pytest.mark.parametrize(
    ("path", "config"),
    [
        ("/etc/docker/registry", "Secret s"),
        ("/etc/docker/registry/config.yml", "Secret s"),
        ("/etc/registry/", "Secret s"),
        ("/etc/registry/tls", None),
        ("/etc/registry-certs", None),
        ("/etc/docker/registry/htpasswd", None),
    ],
)
def test_what_is_mounted_below_or_beside_is_no_configuration_file(path, config):
    found = workload("plain-deployment")
    pod = found["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "v", "secret": {"secretName": "s"}}]
    pod["containers"][0]["volumeMounts"] = [{"name": "v", "mountPath": path}]
    assert layouts.recognise(found).config == config
    assert layouts.recognise(found).tls is (None if config else False)


def pods(*containers):
    meta = {"name": "r", "namespace": "d"}
    return {"kind": "Deployment", "metadata": meta, "spec": {"template": {"spec": {"containers": list(containers)}}}}


@pytest.mark.parametrize(
    ("containers", "taken"),
    [
        ([], None),
        ([{"name": "a"}], "a"),
        ([{"name": "a"}, {"name": "registry"}], "registry"),
        ([{"name": "a"}, {"name": "b"}], "a"),
        ([{"name": "a"}, {"name": "b", "env": [{"name": "REGISTRY_HTTP_ADDR"}]}], "b"),
        ([{"name": "a", "env": [{"name": "REGISTRY_X"}]}, {"name": "registry"}], "registry"),
    ],
)
def test_to_look_is_no_reason_to_refuse(containers, taken):
    found = pods(*containers)
    before = copy.deepcopy(found)
    seen, said = layout.to_look_at(found)
    assert found == before
    assert layout.container(seen).get("name") == taken
    assert bool(said) is (len(containers) > 1 and taken != "registry")
    assert layout.likely_container(found).get("name") == taken
    assert layout.to_look_at(None) == (None, None)


WORDS = st.text("abc/.-", min_size=1, max_size=8)
OPERATORS = st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"])


@given(
    st.dictionaries(WORDS, WORDS, max_size=3),
    st.lists(st.tuples(OPERATORS, WORDS, st.lists(WORDS, min_size=1, max_size=3)), max_size=3),
)
def test_pods_are_selected_by_all_that_is_said(labels, expressions):
    said = [{"key": key, "operator": operator, **({"values": values} if operator.endswith("In") else {})}
            for operator, key, values in expressions]  # fmt: skip
    found = layout.pods_selector({"spec": {"selector": {"matchLabels": labels, "matchExpressions": said}}} if said else
                                 {"spec": {"selector": labels}})  # fmt: skip
    if not said:
        assert found == labels
        return
    words = [f"{k}={v}" for k, v in labels.items()]
    texts = {"In": "{} in ({})", "NotIn": "{} notin ({})", "Exists": "{}", "DoesNotExist": "!{}"}
    words += [texts[operator].format(key, ",".join(values)) for operator, key, values in expressions]
    assert found == ",".join(words)


def test_variables_twice():
    found = workload("oadm-3.11")
    found["spec"]["template"]["spec"]["containers"][0]["env"] += [{"name": "A", "value": v} for v in "12"]
    assert "variables set twice, of which the last one counts: A" in differences(found)


def test_paused_and_without_a_volume():
    found = workload("oadm-3.11")
    found["spec"]["paused"] = True
    found["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = []
    assert differences(found)[1:] == [
        "ephemeral storage: nothing is mounted at /registry, so images go with the container",
        "paused: changes are not rolled out",
    ]


@given(
    st.dictionaries(st.sampled_from(["env", "volumeMounts", "livenessProbe"]), st.none() | st.just([]) | st.just({}))
)
def test_a_workload_with_hardly_anything_in_it(container):
    body = {"spec": {"template": {"spec": {"containers": [{"name": "r", **container}]}}}}
    for found in ({}, {"kind": "Deployment", "metadata": {}}, {"kind": "Deployment", "metadata": {}, **body}):
        assert layouts.recognise(found).name == "plain"
