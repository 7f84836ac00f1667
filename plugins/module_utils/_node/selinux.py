# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SELinux contexts as the node's policy has them, by what an Ansible module knows of it."""

import os

_ATTRIBUTE = "security.selinux"
_TYPE = 2  # in user:role:type:level


class Contexts:
    """The contexts of the node's own files, where there is SELinux.

    :param module: AnsibleModule
    """

    def __init__(self, module):
        self._module = module

    def give(self, path, final):
        """Give a file the context that the policy has for the path where it is going to be."""
        self._module.set_context_if_different(path, self._module.selinux_default_context(final), False)

    def wrong(self, path):
        """Say how the type of a file differs from the policy's; "" where it does not, or cannot.

        The other parts of a context tell who has made the file, and decide nothing here; restorecon has it so, too.
        """
        try:
            found = os.getxattr(path, _ATTRIBUTE, follow_symlinks=False)
        except OSError:
            return ""
        context = found.decode("ascii", "replace").rstrip("\0").split(":", 3)
        wanted = self._module.selinux_default_context(path)
        if len(context) <= _TYPE or len(wanted) <= _TYPE or wanted[_TYPE] in (None, context[_TYPE]):
            return ""
        if self._module.is_special_selinux_path(path)[0]:  # NFS and its like: all files of a mount have one context
            return ""
        return "SELinux type {} instead of {}".format(context[_TYPE], wanted[_TYPE])


class NoContexts:
    """For trees that are not the node's own, and nodes without SELinux."""

    def give(self, _path, _final):
        """Give none."""

    def wrong(self, _path):
        """Find nothing wrong."""
        return ""
