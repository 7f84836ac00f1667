// Copyright: (c) 2026, okd.registry contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command dockerregistry is the CNCF's distribution registry with an access controller "openshift": a caller's
// password is a bearer token of the cluster, and his rights on a repository are RBAC rights on
// imagestreams/layers in the namespace that the repository's name begins with.
//
// It stands in for OpenShift's integrated registry, which is not to be had as a Go module. It does not keep
// ImageStreams, signatures, quotas or pull-through.
package main

import (
	"net/http"
	"os"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry"
	"github.com/distribution/distribution/v3/registry/auth"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/s3-aws"
	"github.com/sirupsen/logrus"
)

const (
	healthPath = "/healthz"         // what the probes of OpenShift's registry ask
	tokenPath  = "/openshift/token" // where the challenge sends a client for a token
)

// active is the access controller of this process; nil where the configuration names another one.
var active *controller

// withOwnPaths answers the two paths that OpenShift's registry has and distribution has not.
func withOwnPaths(_ *configuration.Configuration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == healthPath:
			w.WriteHeader(http.StatusOK)
		case r.URL.Path == tokenPath && active != nil:
			active.serveToken(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func main() {
	err := auth.Register("openshift", func(options map[string]any) (auth.AccessController, error) {
		created, err := newController(options)
		active = created
		return created, err
	})
	if err != nil {
		logrus.Fatal(err)
	}
	registry.RegisterHandler(withOwnPaths)
	if len(os.Args) == 1 {
		os.Args = append(os.Args, "serve") // the configuration is what REGISTRY_CONFIGURATION_PATH names
	}
	if err := registry.RootCmd.Execute(); err != nil {
		os.Exit(1)
	}
}
