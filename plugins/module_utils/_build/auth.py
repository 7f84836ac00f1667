# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a registry asks who somebody is: the cluster, a file of users, another server, or nobody. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: The access controller of OpenShift's registry, which has the cluster review tokens and rights.
OPENSHIFT = "openshift"
#: The API group whose rights it asks for. A cluster without it is none that such a registry could ask.
GROUP = "image.openshift.io"
_WHOLE = "REGISTRY_AUTH"
_PART = re.compile(r"REGISTRY_AUTH_([A-Z0-9]+)_")


def controllers(env: Mapping[str, str | None]) -> set[str] | None:
    """The access controllers that variables name; none where they say nothing of it.

    :param env: values of variables; None for one that is kept elsewhere.
    :returns: None where that cannot be told from here.
    """
    parts = {found[1].lower() for name in env if (found := _PART.match(name))}
    if _WHOLE not in env:
        return parts
    # A name, or YAML with the name before its parameters.
    whole = re.search(r"\w+", env[_WHOLE] or "")
    return {whole[0].lower(), *parts} if whole else parts or None


def asks_cluster(
    env: Mapping[str, str | None], *, served: bool | None, mounted: bool, known: bool, filed: str | None
) -> bool | None:
    """Whether it has the cluster say what a token is worth; None where that cannot be told.

    An image's own file is taken for OpenShift's where the cluster is OpenShift: others' files are mounted.

    :param env: as for :func:`controllers`.
    :param served: whether the cluster serves GROUP; None where that is not known.
    :param mounted: whether a configuration file is mounted over the image's own.
    :param known: whether what that says is known.
    :param filed: the access controller that it names.
    """
    if not served:
        return served
    told = controllers(env)
    if told or told is None:
        return None if told is None else told == {OPENSHIFT}
    if mounted:
        return filed == OPENSHIFT if known else None
    return True
