# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options on how a registry is configured. The argument spec is in ``module_utils/_options/settings.py``."""

from __future__ import annotations


class ModuleDocFragment:
    """``okd.registry._registry_settings``."""

    DOCUMENTATION = r"""
options:
  env:
    description:
      - Environment variables of the container, such as C(REGISTRY_*), which override its configuration. Variables that
        are not named stay as they are; a value of V(null) removes one, whoever set it.
      - C(REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY) is set to O(storage.mount_path), unless variables or a mounted
        configuration file choose another directory or another storage driver.
      - Values are kept out of logs. Those of variables that look like credentials are kept out of results too.
    type: dict
  config:
    description:
      - The registry's whole configuration file in the place of the one in its image. It is mounted at
        C(/etc/docker/registry), and C(REGISTRY_CONFIGURATION_PATH) names it. When its content changes, the next run
        rolls it out.
      - Variables win over the file, so O(storage), O(port) and C(tls_secret) hold whatever the file says. A file that
        names another storage driver or directory than they do is refused.
    type: dict
    suboptions:
      content:
        description:
          - The file, as a map or as its text. It is kept in the Secret C(<name>-config), since such files hold
            credentials.
        type: raw
      config_map:
        description:
          - An existing ConfigMap with the file.
        type: str
      secret:
        description:
          - An existing Secret with the file.
        type: str
      key:
        description:
          - Under which key it is there, and the name of the mounted file.
        type: str
        default: config.yml
  egress_proxy:
    description:
      - The proxy through which the registry reaches other registries and its object storage (C(HTTP_PROXY),
        C(HTTPS_PROXY), C(NO_PROXY)).
      - A URL with a user name or password in it is kept in the Secret C(<name>-proxy).
    type: dict
    suboptions:
      http:
        description:
          - URL of the proxy for C(http://).
        type: str
      https:
        description:
          - URL of the proxy for C(https://).
        type: str
      no_proxy:
        description:
          - Hosts, domains (with a dot before them) and addresses that are reached without it. The API server, the
            cluster's domains, V(localhost) and the registry's own names are always among them.
        type: list
        elements: str
        default: []
  extra_ca:
    description:
      - CA certificates that the registry trusts beside those of its image, for pull-through of other registries or for
        object storage. The file is mounted into C(/etc/ssl/certs).
    type: dict
    suboptions:
      content:
        description:
          - The certificates in PEM form. They are kept in the ConfigMap C(<name>-extra-ca).
        type: str
      config_map:
        description:
          - An existing ConfigMap with the certificates.
        type: str
      secret:
        description:
          - An existing Secret with the certificates.
        type: str
      key:
        description:
          - Under which key they are there.
        type: str
        default: ca.crt
  credentials:
    description:
      - Path of a kubeconfig with a client certificate, by which a registry of OpenShift 3.0 reaches the API server, as
        the option C(--credentials) of C(oadm registry). Later registries use their service account.
      - The variables C(OPENSHIFT_MASTER), C(OPENSHIFT_CA_DATA), C(OPENSHIFT_CERT_DATA), C(OPENSHIFT_KEY_DATA) and
        C(OPENSHIFT_INSECURE) are set from the Secret C(<name>-credentials).
    type: path
  enforce_quota:
    description:
      - Whether a push beyond a project's quota is refused (C(REGISTRY_MIDDLEWARE_REPOSITORY_OPENSHIFT_ENFORCEQUOTA)).
        Without it, the variable is left alone.
    type: bool
"""
