# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much would be lost: counted in a pod of the live registry, before a change is refused for its images' sake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import place
from ansible_collections.okd.registry.plugins.module_utils._build.configfile import File
from ansible_collections.okd.registry.plugins.module_utils._build.storage import live_path
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef

if TYPE_CHECKING:
    from ansible_collections.okd.registry.plugins.module_utils._content import Content


@dataclass(frozen=True)
class Counted:
    """What one pod of a registry has.

    :param pods: that there are; None where that is not known.
    """

    content: Content
    pods: int | None

    @property
    def nothing_in_pods(self) -> bool:
        """Whether it is known that no image goes with the pods, where each has its own: seen in the only one."""
        return self.pods == 1 and self.content.empty and not self.content.uploads

    def words(self, *, in_pods: bool) -> str:
        """To be put behind "pushed images would be lost": figures, or why there are none.

        :param in_pods: whether each pod has images of its own.
        """
        from ansible_collections.okd.registry.plugins.module_utils import _content

        told = _content.sentence(self.content)
        if not self.content.counted:
            return f"; {told}"
        if self.content.empty and not self.content.uploads:
            told = "nothing is there at the moment"
        several = in_pods and self.pods is not None and self.pods > 1
        return f" ({told}, in one of {self.pods} pods)" if several else f" ({told})"


def count(api: Api, workload: Mapping[str, Any], file: File | None) -> Counted:
    """Count what a live registry has in the directory of its images; never raises.

    :param file: the configuration file that is mounted for it.
    """
    from ansible_collections.okd.registry.plugins.module_utils import _content

    return Counted(*_content.of_some_pod(api, workload, place.root(workload, file) or live_path(workload)))


def nothing_pushed(workload: ObjectRef) -> str:
    """What to say of a workload whose pods may go since they have nothing."""
    return f"No image goes with the pod of {workload}: it was looked into, and has none."
