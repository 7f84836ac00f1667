# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_deploy on an API in memory: what it writes, keeps, refuses and takes away."""

from __future__ import annotations

import base64
import copy
import json

import memory_cluster
import pytest
from ansible_collections.okd.registry.plugins.module_utils import _deploy, _undeploy
from ansible_collections.okd.registry.plugins.module_utils._build.rbac import binding_name
from ansible_collections.okd.registry.plugins.module_utils._build.secrets import leaf_fingerprint
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import NotFoundError, OptionError, RefusedError
from ansible_collections.okd.registry.plugins.module_utils._options import settings
from ansible_collections.okd.registry.plugins.modules import registry_deploy
from memory_cluster import KUBERNETES, OPENSHIFT_3, OPENSHIFT_4, MemoryCluster

DC, RBAC = "apps.openshift.io/v1", "rbac.authorization.k8s.io/v1"
IMAGE = "openshift3/ose-docker-registry:v3"
DEFAULTS = {
    "name": "docker-registry", "namespace": "default", "route_host": None, "extra_hosts": [], "port": 5000,
    "cluster_domain": "cluster.local", "state": "present", "kind": "auto", "image": IMAGE, "replicas": None,
    "labels": None, "selector": None, "node_selector": None, "service_account": "registry", "cluster_role": None,
    "storage": None, "allow_data_loss": False, "migrate": False, "ignore_guards": [], "probe_storage": True,
    "helper_image": None,
    "tls_secret": "registry-secret", "tls_mount_path": "/etc/secrets",
    "tls_fingerprint": None, "env": None, "strategy": None, "resources": None,
}  # fmt: skip


def pem(text):
    body = base64.b64encode(text.encode()).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n".encode()


def secret(name="registry-secret", **data):
    values = data or {"registry.crt": pem("leaf") + pem("ca"), "registry.key": b"KEYBYTES"}
    encoded = {k.replace("__", "."): base64.b64encode(v).decode() for k, v in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "default"}, "data": encoded}


def service(selector=None):
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "docker-registry", "namespace": "default"},
        "spec": {"clusterIP": "172.30.124.220", "selector": selector or {"docker-registry": "default"}},
    }  # fmt: skip


def claim(name="registry-claim", modes=("ReadWriteMany",), phase="Bound"):
    return {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "default"},
        "spec": {"accessModes": list(modes)}, "status": {"phase": phase},
    }  # fmt: skip


@pytest.fixture
def cluster():
    return ready_cluster()


def ready_cluster(groups=OPENSHIFT_3):
    made = MemoryCluster(groups)
    made.put(secret())
    made.put(service())
    return made


def deploy(cluster, check=False, **options):
    cluster.requests.clear()
    # Nothing runs pods here.
    return _deploy.run({**DEFAULTS, "probe_storage": False, **options}, cluster.api(), check_mode=check)


def absent(cluster, check=False, **options):
    cluster.requests.clear()
    return _undeploy.run({**DEFAULTS, "image": None, "state": "absent", **options}, cluster.api(), check_mode=check)


def workload(cluster, kind="DeploymentConfig"):
    return cluster.find(DC if kind == "DeploymentConfig" else "apps/v1", kind, "docker-registry")


def settle(cluster, kind="DeploymentConfig"):
    """As the controllers do: the rollout is finished."""
    live = workload(cluster, kind)
    reason = "NewReplicationControllerAvailable" if kind == "DeploymentConfig" else "NewReplicaSetAvailable"
    numbers = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
    version = (live.get("status") or {}).get("latestVersion", 0) + 1
    live["status"] = {
        **numbers, "observedGeneration": live["metadata"].get("generation", 1), "latestVersion": version,
        "conditions": [{"type": "Progressing", "status": "True", "reason": reason}],
    }  # fmt: skip
    cluster.put(live)


def checksum(cluster):
    return workload(cluster)["spec"]["template"]["metadata"]["annotations"]["okd.registry/checksum"]


def serving(cluster, version=1):
    live = workload(cluster)
    live["status"] = {"readyReplicas": 1, "latestVersion": version, "observedGeneration": 1}
    cluster.put(live)


class TestFirstAndSecondRun:
    def test_objects_in_the_order_in_which_they_are_needed(self, cluster):
        result = deploy(cluster)
        assert [r["kind"] for r in result["resources"]] == [
            "ServiceAccount", "Secret", "ClusterRoleBinding", "DeploymentConfig",
        ]  # fmt: skip
        assert {r["action"] for r in result["resources"]} == {"created"}
        assert [r for r, _ in cluster.requests].count("POST") == 4

    def test_one_read_per_object_and_no_write_when_converged(self, cluster):
        deploy(cluster)
        result = deploy(cluster)
        assert (result["changed"], result["diff"], result["actions"]) == (False, [], [])
        assert cluster.writes() == []
        reads = [path for _, path in cluster.requests]
        assert len(reads) == len(set(reads))

    def test_the_registry_it_tells(self, cluster):
        assert deploy(cluster, route_host="r.apps.example.com")["registry"] == {
            "name": "docker-registry", "namespace": "default", "cluster_ip": "172.30.124.220", "port": 5000,
            "endpoints": [
                "172.30.124.220:5000", "docker-registry.default.svc:5000",
                "docker-registry.default.svc.cluster.local:5000", "r.apps.example.com",
            ],
            "image": IMAGE, "replicas": 1,
            "storage": {
                "kind": "ephemeral", "volume_name": "registry-storage", "mount_path": "/registry", "source": {},
            },
        }  # fmt: skip

    @pytest.mark.parametrize("groups", [OPENSHIFT_3, OPENSHIFT_4, KUBERNETES])
    def test_check_mode_touches_nothing_and_foretells(self, groups):
        cluster = ready_cluster(groups)
        planned = deploy(cluster, check=True)
        assert cluster.writes() == []
        done = deploy(cluster)
        for key in ("changed", "actions", "resources", "registry", "workload"):
            assert planned[key] == done[key], key

    def test_check_mode_on_an_empty_cluster(self):
        cluster = MemoryCluster()
        result = deploy(cluster, check=True, storage={"kind": "pvc", "claim_name": "registry-claim"})
        assert result["changed"]
        assert result["registry"]["endpoints"][0] == "(known after apply):5000"
        assert any("registry-claim does not exist yet" in a for a in result["actions"])
        assert "okd.registry/checksum: (known after apply)" in result["diff"][-1]["after"]

    def test_account_is_linked_to_the_certificate(self, cluster):
        deploy(cluster)
        assert cluster.find("v1", "ServiceAccount", "registry")["secrets"] == [{"name": "registry-secret"}]

    def test_other_links_of_the_account_stay(self, cluster):
        meta = {"name": "registry", "namespace": "default"}
        dockercfg = [{"name": "registry-dockercfg-abcde"}]
        cluster.put({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta, "secrets": dockercfg})
        deploy(cluster)
        assert cluster.find("v1", "ServiceAccount", "registry")["secrets"] == [*dockercfg, {"name": "registry-secret"}]

    def test_no_secret_byte_in_the_result(self, cluster):
        text = json.dumps(deploy(cluster, env={"REGISTRY_STORAGE_S3_SECRETKEY": "verysecret"}))
        made = cluster.find("v1", "Secret", "docker-registry-http-secret")["data"]["http-secret"]
        for hidden in ("KEYBYTES", "verysecret", made, base64.b64decode(made).decode()):
            assert hidden not in text


class TestKind:
    @pytest.mark.parametrize(
        ("groups", "kind"),
        [(OPENSHIFT_3, "DeploymentConfig"), (OPENSHIFT_4, "Deployment"), (KUBERNETES, "Deployment")],
    )
    def test_auto(self, groups, kind):
        assert deploy(ready_cluster(groups))["workload"]["kind"] == kind

    def test_what_exists_wins(self):
        cluster = ready_cluster(KUBERNETES)
        deploy(cluster)
        cluster.groups = OPENSHIFT_3
        result = deploy(cluster)
        assert result["workload"]["kind"] == "Deployment"
        assert workload(cluster) is None

    def test_another_kind_than_the_live_one_is_refused(self, cluster):
        deploy(cluster)
        with pytest.raises(RefusedError, match=r"DeploymentConfig .* exists, but kind is Deployment"):
            deploy(cluster, kind="Deployment")

    def test_two_at_once_are_refused(self):
        cluster = ready_cluster(KUBERNETES)
        deploy(cluster)
        other = ready_cluster()
        deploy(other)
        cluster.groups = OPENSHIFT_3
        cluster.put(workload(other))
        with pytest.raises(RefusedError, match="both exist"):
            deploy(cluster)

    def test_a_kind_that_is_not_served(self):
        with pytest.raises(OptionError, match="is not served by this cluster; it has Deployment"):
            deploy(ready_cluster(KUBERNETES), kind="DeploymentConfig")


class TestRights:
    def test_where_openshifts_apis_are(self, cluster):
        deploy(cluster)
        binding = cluster.find(RBAC, "ClusterRoleBinding", "registry-registry-role", None)
        assert binding["roleRef"]["name"] == "system:registry"
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "registry", "namespace": "default"}]

    def test_nowhere_else(self):
        cluster = ready_cluster(KUBERNETES)
        assert "ClusterRoleBinding" not in [r["kind"] for r in deploy(cluster)["resources"]]

    def test_empty_means_none(self, cluster):
        assert "ClusterRoleBinding" not in [r["kind"] for r in deploy(cluster, cluster_role="")["resources"]]

    def test_names_differ_by_namespace_and_account(self):
        names = {binding_name(a, n) for a in ("registry", "b-c", "b") for n in ("default", "a", "a-b")}
        assert len(names) == 9
        assert "registry-registry-role" in names

    def test_another_role_cannot_be_bound_in_its_place(self, cluster):
        deploy(cluster)
        with pytest.raises(RefusedError, match="binds system:registry, which cannot become other"):
            deploy(cluster, cluster_role="other")


class TestCertificate:
    def test_missing(self):
        cluster = MemoryCluster()
        with pytest.raises(NotFoundError, match=r"Secret default/registry-secret, which .* does not exist"):
            deploy(cluster)
        assert cluster.writes() == []

    def test_kubernetes_names(self, cluster):
        cluster.put(secret(tls__crt=pem("x"), tls__key=b"k"))
        deploy(cluster)
        env = workload(cluster)["spec"]["template"]["spec"]["containers"][0]["env"]
        assert {"name": "REGISTRY_HTTP_TLS_CERTIFICATE", "value": "/etc/secrets/tls.crt"} in env

    @pytest.mark.parametrize(
        ("data", "text"),
        [
            ({"registry__crt": pem("x")}, "has registry.crt; a registry needs registry.crt and registry.key or"),
            ({"registry__crt": b"nothing", "registry__key": b"k"}, "has no certificate in PEM form under registry.crt"),
        ],
    )
    def test_unfit(self, cluster, data, text):
        cluster.put(secret(**data))
        with pytest.raises(OptionError, match=text):
            deploy(cluster)

    def test_a_new_leaf_is_rolled_out(self, cluster):
        deploy(cluster)
        before = checksum(cluster)
        cluster.put(secret(**{"registry.crt": pem("new") + pem("ca"), "registry.key": b"K2"}))
        result = deploy(cluster)
        assert checksum(cluster) != before
        assert result["workload"]["rolls"]
        assert len(cluster.writes()) == 1

    def test_a_new_key_alone_is_not(self, cluster):
        deploy(cluster)
        cluster.put(secret(**{"registry.crt": pem("leaf") + pem("ca"), "registry.key": b"K2"}))
        assert not deploy(cluster)["changed"]

    def test_another_chain_behind_the_same_leaf_is(self, cluster):
        deploy(cluster)
        cluster.put(secret(**{"registry.crt": pem("leaf") + pem("other ca"), "registry.key": b"K2"}))
        leaf = leaf_fingerprint(pem("leaf"))
        assert deploy(cluster, check=True, tls_fingerprint=leaf)["workload"]["rolls"]
        assert deploy(cluster)["workload"]["rolls"]
        assert not deploy(cluster, check=True, tls_fingerprint=leaf)["changed"]

    def test_one_still_to_be_issued_is_foretold(self, cluster):
        deploy(cluster)
        assert deploy(cluster, check=True, tls_fingerprint=KNOWN_AFTER_APPLY)["workload"]["rolls"]
        assert not deploy(cluster, tls_fingerprint=KNOWN_AFTER_APPLY)["changed"]


class TestHttpSecret:
    def test_made_once(self, cluster):
        deploy(cluster)
        first = cluster.find("v1", "Secret", "docker-registry-http-secret")["data"]["http-secret"]
        assert len(base64.b64decode(base64.b64decode(first))) == 32
        deploy(cluster, replicas=2, ignore_guards=["replicas"])
        assert cluster.find("v1", "Secret", "docker-registry-http-secret")["data"]["http-secret"] == first

    def test_another_one_under_its_name_is_rolled_out(self, cluster):
        deploy(cluster)
        before = checksum(cluster)
        path = "/api/v1/namespaces/default/secrets/docker-registry-http-secret"
        del cluster.objects[path]
        deploy(cluster)
        assert checksum(cluster) != before

    def test_what_oadm_wrote_is_kept_and_none_made(self, cluster):
        adopted = {
            "apiVersion": DC, "kind": "DeploymentConfig",
            "metadata": {"name": "docker-registry", "namespace": "default"},
            "spec": {
                "selector": {"docker-registry": "default"}, "triggers": [{"type": "ConfigChange"}],
                "template": {
                    "metadata": {"labels": {"docker-registry": "default"}},
                    "spec": {
                        "containers": [
                            {"name": "registry", "env": [{"name": "REGISTRY_HTTP_SECRET", "value": "oadms"}]},
                        ],
                    },
                },
            },
        }  # fmt: skip
        cluster.put(adopted)
        deploy(cluster)
        env = workload(cluster)["spec"]["template"]["spec"]["containers"][0]["env"]
        assert {"name": "REGISTRY_HTTP_SECRET", "value": "oadms"} in env
        assert cluster.find("v1", "Secret", "docker-registry-http-secret") is None
        assert deploy(cluster)["changed"] is False


class TestRefuses:
    def test_missing_claim(self, cluster):
        with pytest.raises(RefusedError, match=r"PersistentVolumeClaim default/gone, which storage\.claim_name names"):
            deploy(cluster, storage={"kind": "pvc", "claim_name": "gone"})
        assert cluster.writes() == []

    def test_lost_claim(self, cluster):
        cluster.put(claim(phase="Lost"))
        with pytest.raises(RefusedError, match="has lost its volume"):
            deploy(cluster, storage={"kind": "pvc", "claim_name": "registry-claim"})

    def test_another_selector(self, cluster):
        deploy(cluster)
        with pytest.raises(RefusedError, match="by docker-registry=default, which cannot become app=r"):
            deploy(cluster, selector={"app": "r"})

    def test_a_service_that_would_lead_nowhere(self, cluster):
        cluster.put(service({"app": "other"}))
        with pytest.raises(RefusedError, match="pods with app=other, but the pods would have docker-registry="):
            deploy(cluster)
        assert cluster.writes() == []

    def test_the_operators_namespace(self, cluster):
        with pytest.raises(RefusedError, match="belong to the image-registry operator"):
            deploy(cluster, namespace="openshift-image-registry", tls_secret=None)

    def test_loss_of_images_until_it_is_allowed(self, cluster):
        deploy(cluster)
        serving(cluster)
        with pytest.raises(RefusedError, match=r"emptyDir.*allow_data_loss: true.*containers\[registry\]\.image"):
            deploy(cluster, image="other:1")
        assert cluster.writes() == []
        assert deploy(cluster, image="other:1", allow_data_loss=True)["changed"]

    def test_fewer_pods_of_an_ephemeral_registry(self, cluster):
        deploy(cluster, replicas=2, ignore_guards=["replicas"])
        serving(cluster)
        with pytest.raises(RefusedError, match=r"takes some away.*allow_data_loss: true.*spec\.replicas"):
            deploy(cluster, replicas=1)
        assert cluster.writes() == []

    def test_another_path_and_another_claim(self, cluster):
        cluster.put(claim())
        cluster.put(claim("other"))
        deploy(cluster, storage={"kind": "pvc", "claim_name": "registry-claim"})
        with pytest.raises(RefusedError, match="claim registry-claim"):
            deploy(cluster, storage={"kind": "pvc", "claim_name": "other", "mount_path": "/data"})
        assert cluster.writes() == []

    def test_more_pods_lose_nothing(self, cluster):
        deploy(cluster)
        serving(cluster)
        result = deploy(cluster, replicas=2, ignore_guards=["replicas"])
        assert (result["changed"], result["workload"]["rolls"]) == (True, False)

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"replicas": -1}, "replicas: -1 must not be negative"),
            ({"image": "a b"}, "image: 'a b' is not the name of an image"),
            ({"image": "r/ose-$component:1"}, "that begins neither"),
            ({"image": ""}, "is required with state: present"),
            ({"storage": {"kind": "pvc"}}, "claim_name: None is required with kind: pvc"),
            ({"storage": {"kind": "ephemeral", "claim_name": "x"}}, "has no place beside kind: ephemeral"),
            ({"storage": {"mount_path": "registry"}}, "must be an absolute path"),
            ({"tls_mount_path": "/"}, "must be an absolute path in the container, other than /"),
            ({"env": {"A B": "1"}}, "is not the name of an environment variable"),
            ({"env": {"A": [1]}}, "env.A: .* must be one text"),
            ({"labels": {"a b": "1"}}, "labels: 'a b' is not a label name"),
            ({"service_account": "A_b"}, "service_account: 'A_b'"),
        ],
    )
    def test_options_before_any_request(self, cluster, options, text):
        with pytest.raises(OptionError, match=text):
            deploy(cluster, **options)
        assert cluster.requests == []


class TestStrategy:
    @pytest.mark.parametrize(
        ("modes", "expected"),
        [(("ReadWriteOnce",), "Recreate"), (("ReadWriteMany",), None), (("ReadWriteOncePod",), "Recreate")],
    )
    def test_a_volume_for_one_node_is_let_go_first(self, cluster, modes, expected):
        cluster.put(claim(modes=modes))
        deploy(cluster, storage={"kind": "pvc", "claim_name": "registry-claim"})
        assert workload(cluster)["spec"].get("strategy", {}).get("type") == expected

    def test_what_is_said_holds(self, cluster):
        cluster.put(claim(modes=("ReadWriteOnce",)))
        claimed = {"kind": "pvc", "claim_name": "registry-claim"}
        deploy(cluster, storage=claimed, strategy="Rolling", ignore_guards=["strategy"])
        assert workload(cluster)["spec"]["strategy"] == {"type": "Rolling"}


class TestWhatIsWaitedFor:
    def test_version_before(self, cluster):
        deploy(cluster)
        serving(cluster, version=7)
        result = deploy(cluster, image="other:1", allow_data_loss=True)
        assert (result["workload"]["version_before"], result["workload"]["rolls"], result["rollout"]) == (7, True, None)

    def test_a_finished_rollout_is_told_without_another_request(self, cluster):
        deploy(cluster)
        live = workload(cluster)
        numbers = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
        done = {"type": "Progressing", "status": "True", "reason": "NewReplicationControllerAvailable"}
        live["status"] = {"latestVersion": 1, "observedGeneration": 1, "conditions": [done], **numbers}
        cluster.put(live)
        result = deploy(cluster)
        assert (result["rollout"]["done"], result["rollout"]["revision"]) == (True, "docker-registry-1")
        assert deploy(cluster, env={"A": "b"}, allow_data_loss=True)["rollout"] is None


class TestConflict:
    def test_somebody_else_writes_at_the_same_time(self, cluster):
        deploy(cluster)
        other = workload(cluster)
        other["metadata"]["labels"]["theirs"] = "x"
        cluster.before_write = lambda: cluster.put(other)
        deploy(cluster, replicas=3, ignore_guards=["replicas"])
        assert workload(cluster)["spec"]["replicas"] == 3
        assert workload(cluster)["metadata"]["labels"]["theirs"] == "x"


class TestAbsent:
    def test_takes_away_what_was_made_and_leaves_the_rest(self, cluster):
        before = copy.deepcopy(cluster.objects)
        deploy(cluster)
        planned = absent(cluster, check=True)
        done = absent(cluster)
        assert cluster.objects.keys() == before.keys()
        assert planned["resources"] == done["resources"]
        assert {r["kind"] for r in done["resources"] if r["action"] == "deleted"} == {
            "DeploymentConfig", "Secret", "ClusterRoleBinding", "ServiceAccount",
        }  # fmt: skip
        again = absent(cluster)
        assert (again["changed"], cluster.writes()) == (False, [])

    def test_an_account_that_was_there_is_only_unlinked(self, cluster):
        meta = {"name": "registry", "namespace": "default"}
        cluster.put({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta, "secrets": [{"name": "theirs"}]})
        deploy(cluster)
        absent(cluster)
        assert cluster.find("v1", "ServiceAccount", "registry")["secrets"] == [{"name": "theirs"}]

    def test_an_account_that_another_registry_uses_stays(self, cluster):
        deploy(cluster)
        second = copy.deepcopy(workload(cluster))
        second["metadata"] = {"name": "second", "namespace": "default"}
        cluster.put(second)
        result = absent(cluster)
        assert cluster.find("v1", "ServiceAccount", "registry")
        assert cluster.find(RBAC, "ClusterRoleBinding", "registry-registry-role", None)
        assert any("DeploymentConfig default/second uses the account too" in a for a in result["actions"])

    def test_empty_cluster(self):
        assert absent(MemoryCluster())["changed"] is False


class TestModule:
    def test_credentials_in_env_are_kept_out_of_the_invocation(self):
        values = {"REGISTRY_STORAGE_S3_SECRETKEY": "abc", "REGISTRY_LOG_LEVEL": "debug", "X_PASSWORD": "p", "N": 1}
        assert sorted(settings.secret_values(values)) == ["abc", "p"]
        assert settings.secret_values({}) == []
        assert settings.secret_values({"A_PASSWORD": 1234, "B": None, "C_TOKEN": ""}) == ["1234"]
        assert settings.harmless_values(values) == {"debug", "1"}
        assert settings.harmless_values({"A_PASSWORD": "same", "PLAIN": "same"}) == set()

    def test_what_ansible_hides_from_the_start(self, monkeypatch):
        """The invocation is logged before the module can say what is secret; later only secrets stay hidden."""
        seen = {}
        monkeypatch.setattr(registry_deploy, "run_module", lambda _work, **kw: seen.update(kw))
        registry_deploy.main()
        assert seen["argument_spec"]["env"]["no_log"] is True

        class Module:
            params = {"env": {"A_PASSWORD": 1234, "LEVEL": "debug", "SAME": "tok"}, "api_key": "tok", "state": "absent"}
            params["managed_by"] = "self"
            argument_spec = {"env": {"no_log": True}, "api_key": {"no_log": True}}
            no_log_values = {"1234", "debug", "tok"}
            check_mode = False

        monkeypatch.setattr(_undeploy, "run", lambda *_args, **_kw: {})
        registry_deploy.execute(Module(), None)
        assert Module.no_log_values == {"1234", "tok"}

    def test_defaults_of_the_tests_are_those_of_the_module(self, monkeypatch):
        seen = {}
        monkeypatch.setattr(registry_deploy, "run_module", lambda _work, **kw: seen.update(kw["argument_spec"]))
        registry_deploy.main()
        for option, value in DEFAULTS.items():
            if option != "image":
                assert seen[option].get("default", None) == (value if option != "tls_secret" else None), option

    def test_paths_of_the_fake_are_those_of_the_client(self):
        assert memory_cluster.path_of("v1", "Pod") == "/api/v1/namespaces/default/pods"
