// Copyright: (c) 2026, okd.registry contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

//go:build tools

// Package tools pins the module that holds OpenShift's custom resource definitions. Nothing is
// compiled: fetch_crds.py reads some YAML files from the module's directory. The packages named here
// are the folders of those files, so that `go mod tidy` keeps the requirement.
package tools

import (
	_ "github.com/openshift/api/config/v1/zz_generated.crd-manifests"
	_ "github.com/openshift/api/imageregistry/v1/zz_generated.crd-manifests"
	_ "github.com/openshift/api/route/v1/zz_generated.crd-manifests"
	_ "github.com/openshift/api/security/v1/zz_generated.crd-manifests"
)
