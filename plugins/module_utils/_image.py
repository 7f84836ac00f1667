# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of images, with ``${component}`` and ``${version}`` in them as ``oadm registry --images`` has it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError

COMPONENT, VERSION, LATEST = "${component}", "${version}", "latest"
_IMAGE = re.compile(r"[A-Za-z0-9][\w.:/@-]*")
_COMPONENT = re.compile(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
#: Of a version of OpenShift 3, such as ``v3.11.0+bf985b1-399`` or ``v3.0.0.1``, what images are tagged with.
_RELEASE = re.compile(r"v\d+(?:\.\d+)+(?:-[0-9A-Za-z.-]+)?")


@dataclass(frozen=True)
class Naming:
    """What stands for ``${component}`` and ``${version}``.

    :param version: None for that of the cluster.
    """

    component: str = "docker-registry"
    version: str | None = None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Naming:
        """From the options. Raises OptionError."""
        component, version = params.get("image_component") or cls.component, params.get("image_version")
        if not _COMPONENT.fullmatch(component):
            raise OptionError("image_component", component, "is no part of an image's name")
        if version and not _TAG.fullmatch(version):
            raise OptionError("image_version", version, "is no tag (up to 128 letters, digits, '_', '.' and '-')")
        if version and params.get("latest_images"):
            raise OptionError("latest_images", True, f"has no place beside image_version: {version}")
        if version and params.get("image") and VERSION not in params["image"]:
            raise OptionError("image_version", version, f"has no place, since image does not have {VERSION} in it")
        return cls(component, LATEST if params.get("latest_images") else version or None)


def checked(option: str, value: str | None) -> str:
    """The name of an image as given, maybe with the two placeholders in it; empty for none. Raises OptionError."""
    text = (value or "").strip()
    plain = text.replace(COMPONENT, "c").replace(VERSION, "v")
    if "$" in plain:
        raise OptionError(option, value, f"has a '$' that begins neither {COMPONENT} nor {VERSION}")
    if plain and not _IMAGE.fullmatch(plain):
        raise OptionError(option, value, "is not the name of an image")
    return text


def full(image: str, naming: Naming, api: Api) -> str:
    """The name with everything in its place; the cluster is asked for its version only where that is needed.

    :raises OptionError: when the cluster does not tell its version.
    """
    version = naming.version
    if VERSION in image and version is None:
        version = cluster_version(api)
        if version is None:
            raise OptionError(
                "image", image,
                f"has {VERSION} in it, and the cluster does not tell it (only OpenShift 3 does): set image_version, or"
                f" latest_images: true, or write the version in place of {VERSION}",
            )  # fmt: skip
    return image.replace(COMPONENT, naming.component).replace(VERSION, version or "")


def cluster_version(api: Api) -> str | None:
    """The release of an OpenShift 3 cluster, such as ``v3.11.0``; None elsewhere."""
    found = _RELEASE.match(api.openshift_version() or "")
    return found[0] if found else None
