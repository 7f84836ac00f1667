# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of an object of others that has the name under which the registry is to be exposed. Pure."""

from __future__ import annotations

from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef


def refusal(found: ObjectRef, what: str, *, other: str = "another name") -> RefusedError:
    """Why an object of others is left as it is.

    :param what: what it does that has nothing to do with this registry: ``leads to Service console``.
    :param other: what to say in route_name instead.
    """
    return RefusedError(
        f"{found} was not made by this collection, and {what}: whoever uses it so would lose that, so it is left as it "
        f"is. Say {other} in route_name; or delete it first, if nobody needs it."
    )
