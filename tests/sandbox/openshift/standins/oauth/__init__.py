# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for the OAuth server in OpenShift 3's master: tokens for user name and password.

tokens (who has which) is plain memory; server touches the world: it is the master's address, and hands everything that
is not OAuth's to the API server, which asks here whose a token is.
"""
