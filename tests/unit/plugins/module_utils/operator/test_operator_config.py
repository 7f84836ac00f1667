# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator's Config is made to say, and what of a live one stays."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.okd.registry.plugins.module_utils import _operator
from ansible_collections.okd.registry.plugins.module_utils._build import operator_config as configs
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError, RefusedError
from ansible_collections.okd.registry.plugins.module_utils._options import operator as options
from ansible_collections.okd.registry.plugins.module_utils._plan import plan
from ansible_collections.okd.registry.plugins.module_utils._redact import shown
from ansible_collections.okd.registry.plugins.modules import registry_deploy
from hypothesis import given
from hypothesis import strategies as st

READY = [{"type": "Available", "status": "True", "reason": "Ready"}]


def live(status=None, **spec):
    """A Config as an installation leaves it."""
    there = {
        "managementState": "Managed", "replicas": 2, "logLevel": "Normal", "operatorLogLevel": "Normal",
        "httpSecret": "d34db33f", "rolloutStrategy": "RollingUpdate", "requests": {"read": {"maxWaitInQueue": "0s"}},
        "defaultRoute": True, "storage": {"managementState": "Managed", "s3": {"bucket": "made-up", "region": "here"}},
    }  # fmt: skip
    metadata = {"name": "cluster", "resourceVersion": "7", "generation": 3, "finalizers": ["operator/finalizer"]}
    return {
        "apiVersion": configs.API_VERSION, "kind": "Config", "metadata": metadata, "spec": {**there, **spec},
        "status": {"conditions": READY, "storage": there["storage"], **(status or {})},
    }  # fmt: skip


def applied(config, **params):
    """The Config after a run with these parameters, and the run's change."""
    want = options.from_params(params)
    change = plan(config, configs.present(want, config))
    return change.after, change


def test_nothing_said_nothing_changed_but_the_note():
    after, change = applied(live())
    assert change.fields == []
    assert after["spec"] == live()["spec"]
    assert not plan(after, configs.present(options.from_params({}), after)).changed


def test_every_option_with_an_equal():
    params = {
        "replicas": 3, "node_selector": {"infra": ""}, "tolerations": [{"key": "infra", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}, "podAffinity": {"a": 1}},
        "resources": {"requests": {"cpu": "1"}}, "strategy": "Recreate",
        "egress_proxy": {"http": "http://u:p@proxy:1", "https": None, "no_proxy": [".svc", "10.0.0.0/8"]},
        "env": {
            "REGISTRY_LOG_LEVEL": "debug", "REGISTRY_STORAGE_MAINTENANCE_READONLY": '{"enabled": true}',
            "REGISTRY_STORAGE_REDIRECT_DISABLE": True, "REGISTRY_STORAGE_DELETE_ENABLED": "true",
            "REGISTRY_OPENSHIFT_REQUESTS_READ_MAXRUNNING": "5", "REGISTRY_OPENSHIFT_REQUESTS_READ_MAXWAITINQUEUE": "1m",
        },
    }  # fmt: skip
    after, _change = applied(live(), **params)
    spec = after["spec"]
    assert spec["replicas"] == 3
    assert spec["nodeSelector"] == {"infra": ""}
    assert spec["tolerations"] == params["tolerations"]
    assert spec["affinity"]["podAffinity"] == {"a": 1}
    assert spec["resources"] == {"requests": {"cpu": "1"}}
    assert spec["rolloutStrategy"] == "Recreate"
    assert spec["proxy"] == {"http": "http://u:p@proxy:1", "noProxy": ".svc,10.0.0.0/8"}
    assert (spec["logLevel"], spec["readOnly"], spec["disableRedirect"]) == ("Debug", True, True)
    assert spec["requests"]["read"] == {"maxWaitInQueue": "1m", "maxRunning": 5}
    assert (spec["httpSecret"], spec["defaultRoute"]) == ("d34db33f", True)
    seen = json.dumps(shown(after))
    assert "u:p@" not in seen
    assert "d34db33f" not in seen
    back, _change = applied(after)
    for name in ("managementState", "httpSecret", "defaultRoute", "operatorLogLevel", "storage"):
        assert back["spec"][name] == live()["spec"][name]
    assert not {"nodeSelector", "tolerations", "resources", "readOnly", "proxy"} & set(back["spec"])
    assert back["spec"]["replicas"] == 3, "a number of pods that nobody says any more stays"


@pytest.mark.parametrize("kind", ["pvc", "s3", "gcs", "azure", "swift"])
def test_a_kind_alone_says_something(kind):
    after, _change = applied(live(storage={}), storage={"kind": kind})
    assert after["spec"]["storage"] == {kind: {}}


def test_a_strategy_that_the_claim_needs_stays_with_it():
    config = live(storage={"pvc": {"claim": "rwo"}}, rolloutStrategy="RollingUpdate")
    config, _change = applied(config, storage={"kind": "pvc", "claim_name": "rwo"}, strategy="Recreate")
    assert applied(config)[0]["spec"]["rolloutStrategy"] == "Recreate"
    assert applied(config, strategy="Rolling")[0]["spec"]["rolloutStrategy"] == "RollingUpdate"


def test_storage_that_is_no_longer_said_stays():
    after, _change = applied(live(storage={}, status={"storage": {}}), storage={"kind": "pvc", "claim_name": "c"})
    assert after["spec"]["storage"] == {"pvc": {"claim": "c"}}
    again, change = applied(after)
    assert again["spec"]["storage"] == {"pvc": {"claim": "c"}}
    assert not change.fields


@pytest.mark.parametrize(
    ("storage", "fields", "secret"),
    [
        ({"kind": "ephemeral"}, {"emptyDir": {}}, {}),
        ({"kind": "pvc"}, {"pvc": {}}, {}),
        ({"kind": "pvc", "claim_name": "c"}, {"pvc": {"claim": "c"}}, {}),
        ({"kind": "s3"}, {"s3": {}}, {}),
        (
            {"kind": "s3", "parameters": {
                "bucket": "b", "region": "r", "regionendpoint": "https://s3", "encrypt": "true", "keyid": "k",
                "chunksize": 10485760, "forcepathstyle": True, "secure": True,
                "accesskey": "AK1A", "secretkey": "S3cr3t"}},
            {"s3": {"bucket": "b", "region": "r", "regionEndpoint": "https://s3", "encrypt": True, "keyID": "k",
                    "chunkSizeMiB": 10, "virtualHostedStyle": False}},
            {"REGISTRY_STORAGE_S3_ACCESSKEY": "AK1A", "REGISTRY_STORAGE_S3_SECRETKEY": "S3cr3t"},
        ),
        (
            {"kind": "azure", "parameters": {
                "accountname": "a", "accountkey": "K3y", "container": "con", "realm": "core.chinacloudapi.cn"}},
            {"azure": {"accountName": "a", "container": "con", "cloudName": "AzureChinaCloud"}},
            {"REGISTRY_STORAGE_AZURE_ACCOUNTKEY": "K3y"},
        ),
        (
            {"kind": "gcs", "parameters": {"bucket": "b", "projectID": "p", "keyfile": {"type": "service_account"}}},
            {"gcs": {"bucket": "b", "projectID": "p"}},
            {"REGISTRY_STORAGE_GCS_KEYFILE": '{"type": "service_account"}'},
        ),
        (
            {"kind": "swift", "parameters": {
                "authurl": "https://k/v3", "authversion": 3, "container": "c", "domain": "d", "domainid": "di",
                "tenant": "t", "tenantid": "ti", "region": "r", "username": "somebody", "password": "pa55"}},
            {"swift": {"authURL": "https://k/v3", "authVersion": "3", "container": "c", "domain": "d",
                       "domainID": "di", "tenant": "t", "tenantID": "ti", "regionName": "r"}},
            {"REGISTRY_STORAGE_SWIFT_USERNAME": "somebody", "REGISTRY_STORAGE_SWIFT_PASSWORD": "pa55"},
        ),
    ],
)  # fmt: skip
def test_storage_field_by_field(storage, fields, secret):
    want = options.from_params({"storage": storage})
    assert (want.storage, want.credentials) == (fields, secret)
    after = plan(live(), configs.present(want, live())).after["spec"]["storage"]
    if "s3" in fields:  # a second kind would stop the operator; the same kind keeps what others said
        assert after["s3"] == {"bucket": "made-up", "region": "here", **fields["s3"]}
    else:
        named = any(fields.values())  # a store of the user's, which the operator is not to delete one day
        assert after == {"managementState": "Unmanaged" if named else "Managed", **fields}
    for text in secret.values():
        assert text not in json.dumps(after)
        assert text not in repr(want)


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"image": "x", "kind": "DeploymentConfig"}, ["kind", "image"]),
        ({"labels": {"a": "b"}, "selector": {"a": "b"}}, ["labels", "selector"]),
        ({"env": {"FOO": "1", "REGISTRY_LOG_LEVEL": "trace", "HTTP_PROXY": "x", "BAR": None}},
         ["env.FOO", "env.REGISTRY_LOG_LEVEL", "env.HTTP_PROXY", "env.BAR"]),
        ({"env": {"REGISTRY_STORAGE_DELETE_ENABLED": False}}, ["env.REGISTRY_STORAGE_DELETE_ENABLED"]),
        ({"storage": {"kind": "nfs", "server": "s", "path": "/p"}}, ["storage.kind nfs"]),
        ({"storage": {"kind": "host_path", "path": "/p"}}, ["storage.kind host_path"]),
        ({"storage": {"kind": "s3", "parameters": {"storageclass": "GLACIER", "rootdirectory": "/x"}}},
         ["storage.parameters.storageclass", "storage.parameters.rootdirectory"]),
        ({"storage": {"kind": "pvc", "claim_name": "c", "mount_path": "/x"}}, ["storage.mount_path"]),
        ({"tls_secret": "s", "port": 5001, "enforce_quota": False, "fs_group": 0, "on_failure": "rollback"},
         ["port", "fs_group", "enforce_quota", "tls_secret", "on_failure"]),
        ({"config": {"content": "x"}, "extra_ca": {"content": "x"}, "migrate": True},
         ["config", "extra_ca", "migrate"]),
    ],
)  # fmt: skip
def test_what_has_no_equal_is_refused_by_name_with_the_reason(params, names):
    with pytest.raises(RefusedError) as caught:
        options.from_params(params)
    assert caught.value.details["options"] == names
    assert all(f"{name}: " in str(caught.value) for name in names)


#: Options that are handed on, and those that mean the same whoever has the registry, or nothing to the operator.
HANDED_ON = {
    "replicas", "node_selector", "tolerations", "affinity", "resources", "strategy", "egress_proxy", "env", "storage",
}  # fmt: skip
THE_SAME = {
    "state", "managed_by", "name", "namespace", "cluster_domain", "route_host", "extra_hosts", "allow_data_loss",
    "remove_service", "wait", "wait_timeout", "tls_fingerprint", "ignore_guards", "probe_storage",
}  # fmt: skip


def test_no_option_of_the_module_is_passed_over_in_silence(monkeypatch):
    spec = {}
    monkeypatch.setattr(registry_deploy, "run_module", lambda _work, **options: spec.update(options["argument_spec"]))
    registry_deploy.main()
    own = spec.keys() - AUTH_ARG_SPEC.keys()
    assert own - HANDED_ON - THE_SAME == options._NO_EQUAL.keys()
    defaults = {name: option.get("default") for name, option in spec.items()}
    assert options.from_params(defaults) == configs.Wanted()


def test_the_module_s_own_defaults_are_not_refused():
    options.from_params(
        {
            "kind": "auto", "port": 5000, "service_account": "registry", "tls_mount_path": "/etc/secrets", "wait": True,
            "labels": {"docker-registry": "default"}, "image_component": "docker-registry", "latest_images": False,
            "migrate": False, "on_failure": "keep", "probe_storage": True, "extra_ports": [], "image": None,
            "storage": {"kind": "ephemeral", "mount_path": "/registry", "volume_name": "registry-storage"},
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"storage": {"kind": "s3", "parameters": {"accesskey": "A"}}}, "lacks credentials: .*SECRETKEY"),
        ({"storage": {"kind": "s3", "parameters": {"chunksize": 5}}}, "must be whole MiB"),
        ({"storage": {"kind": "s3", "parameters": {"chunksize": "10m"}}}, "must be whole MiB"),
        ({"storage": {"kind": "s3", "parameters": {"encrypt": "maybe"}}}, "must be true or false"),
        ({"storage": {"kind": "s3", "secret_name": "mine"}}, "is not read by the operator"),
        ({"storage": {"kind": "s3", "claim_name": "c"}}, "has no place beside kind: s3"),
        ({"storage": {"kind": "azure", "parameters": {"realm": "nowhere"}}}, "none of the realms"),
        ({"storage": {"kind": "swift", "parameters": {"username": "u"}}}, "lacks credentials"),
        ({"replicas": -1}, "must not be negative"),
        ({"tolerations": [{"key": "a"}, {"key": "a", "effect": ""}]}, "is there twice"),
        ({"node_selector": {"a b": "c"}}, "is not a label name"),
    ],
)  # fmt: skip
def test_values_that_cannot_work(params, why):
    with pytest.raises(OptionError, match=why):
        options.from_params(params)


@pytest.mark.parametrize(
    ("there", "level", "logs"),
    [
        ({}, "info", "info"), ({"logging": 1}, "info", "info"), ({"logging": 8}, "info", "info"),
        ({"logging": 3, "logLevel": "Trace"}, "info", "info"), ({"logging": 2}, "warn", "warn"),
        ({}, "debug", "debug"), ({"logLevel": "TraceAll"}, "debug", "debug"), ({"logging": 1}, "debug", "debug"),
    ],
)  # fmt: skip
def test_log_levels_as_the_operator_reads_them(there, level, logs):
    after, _change = applied(live(**there), env={"REGISTRY_LOG_LEVEL": level})
    assert operators_level(after["spec"]) == logs
    assert not applied(after, env={"REGISTRY_LOG_LEVEL": level})[1].changed
    back, _change = applied(after, env={"REGISTRY_LOG_LEVEL": "info"})
    assert operators_level(back["spec"]) == "info"
    assert not applied(back, env={"REGISTRY_LOG_LEVEL": "info"})[1].changed


def operators_level(spec):
    """The operator's own rule (pkg/resource/podtemplatespec.go)."""
    if spec.get("logLevel") in ("Debug", "Trace", "TraceAll"):
        return "debug"
    return {0: "info", 1: "warn", 2: "info", 3: "info"}.get(spec.get("logging", 0), "debug")


class TestImages:
    def lost(self, config, **params):
        want = options.from_params(params)
        change = plan(config, configs.present(want, config))
        return configs.abandons(want, config, change.after, change.fields)

    def test_another_store(self):
        text = self.lost(live(), storage={"kind": "pvc", "claim_name": "c"})
        kept = "the images are kept in s3 (bucket made-up, region here)"
        assert text == f"{kept}, which the operator would give up for pvc (claim c)"
        assert self.lost(live(), storage={"kind": "s3", "parameters": {"bucket": "other"}})

    def test_the_same_store(self):
        assert self.lost(live(), storage={"kind": "s3", "parameters": {"bucket": "made-up", "encrypt": True}}) is None
        assert self.lost(live(), storage={"kind": "s3"}) is None
        assert self.lost(live(), replicas=0, node_selector={"a": "b"}) is None

    def test_a_bucket_that_was_ours_and_is_no_longer_said(self):
        config, _change = applied(
            live(storage={}, status={"storage": {}}), storage={"kind": "s3", "parameters": {"bucket": "mine"}}
        )
        config["status"]["storage"] = {"s3": {"bucket": "mine", "region": "filled-in"}}
        assert "mine" in self.lost(config, storage={"kind": "s3"})
        assert self.lost(config) is None

    def test_ephemeral_storage_goes_with_the_pods(self):
        config = live(storage={"emptyDir": {}}, status={"storage": {"emptyDir": {}}}, replicas=1)
        for params in ({"env": {"REGISTRY_LOG_LEVEL": "debug"}}, {"resources": {"limits": {"cpu": "1"}}}):
            assert "replaces the pods" in self.lost(config, **params)
        assert "takes some away" in self.lost(config, replicas=0)
        assert self.lost(config, storage={"kind": "ephemeral"}) is None
        gone = {**config, "spec": {**config["spec"], "managementState": "Removed"}}
        assert self.lost(gone, storage={"kind": "pvc", "claim_name": "c"}) is None

    def test_nothing_was_ever_there(self):
        fresh = live(storage={}, status={"storage": {}})
        assert self.lost(fresh, storage={"kind": "pvc", "claim_name": "c"}) is None
        told = live(storage={"emptyDir": {}}, status={"storage": {}, "conditions": []})
        assert self.lost(told, storage={"kind": "pvc", "claim_name": "c"}) is None


def test_rendered_without_a_cluster():
    storage = {"kind": "s3", "parameters": {"bucket": "b", "accesskey": "AK1A", "secretkey": "S3cr3t"}}
    secret, config = _operator.rendered({"storage": storage, "replicas": 2})
    assert set(secret["data"]) == {"REGISTRY_STORAGE_S3_ACCESSKEY", "REGISTRY_STORAGE_S3_SECRETKEY"}
    assert all(value.startswith("hmac-sha256:") for value in secret["data"].values())
    assert config["spec"] == {"managementState": "Managed", "replicas": 2, "storage": {"s3": {"bucket": "b"}}}
    (alone,) = _operator.rendered({})
    assert alone["kind"] == "Config"


class TestAway:
    def test_and_back(self):
        config, _change = applied(live(), replicas=3, node_selector={"infra": ""}, env={"REGISTRY_LOG_LEVEL": "debug"})
        away = plan(config, configs.absent(config)).after
        expected = copy.deepcopy(config["spec"])
        expected["managementState"] = "Removed"
        expected["storage"]["managementState"] = "Unmanaged"
        assert away["spec"] == expected
        assert not plan(away, configs.absent(away)).changed
        back, _change = applied(away, replicas=3, node_selector={"infra": ""}, env={"REGISTRY_LOG_LEVEL": "debug"})
        expected["managementState"] = "Managed"
        assert back["spec"] == expected

    def test_storage_that_old_operators_take_along(self):
        assert configs.takes_storage_along(live(storage={"pvc": {"claim": "x"}}, status={"storageManaged": True}))
        assert not configs.takes_storage_along(live(status={"storageManaged": True}))
        assert not configs.takes_storage_along(live(storage={"pvc": {"claim": "x"}}))


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.integers(0, 5),
        "node_selector": st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x"])),
        "tolerations": st.sampled_from([[], [{"key": "a"}], [{"key": "b"}, {"key": "a"}]]),
        "resources": st.sampled_from([{"requests": {"cpu": "100m"}}, {"limits": {"memory": "1Gi"}}]),
        "strategy": st.sampled_from(["Rolling", "Recreate"]),
        "env": st.sampled_from([{"REGISTRY_LOG_LEVEL": "debug"}, {"REGISTRY_LOG_LEVEL": "warn"}, {}]),
        "storage": st.sampled_from(
            [{"kind": "ephemeral"}, {"kind": "pvc", "claim_name": "c"}, {"kind": "s3", "parameters": {"bucket": "b"}}]
        ),
    },
)


@given(FIELDS, FIELDS)
def test_a_second_run_changes_nothing_and_what_others_said_stays(first, second):
    config = live()
    for params in (first, second):
        config, _change = applied(config, **params)
        again, change = applied(config, **params)
        assert not change.changed
        assert again == config
        assert len(configs.kinds(config["spec"]["storage"])) == 1
        for name in ("httpSecret", "defaultRoute", "requests", "operatorLogLevel"):
            assert config["spec"][name] == live()["spec"][name]
        assert config["spec"]["managementState"] == "Managed"
        assert isinstance(config["spec"]["replicas"], int)
