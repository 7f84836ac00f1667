// Copyright: (c) 2026, okd.registry contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/distribution/distribution/v3/registry/auth"
	"github.com/sirupsen/logrus"
)

// controller decides who may do what; it implements auth.AccessController.
type controller struct {
	realm string // named in a Basic challenge
	basic bool   // challenge with Basic instead of Bearer: no anonymous pulls, but no second request either
	api   *reviewer
}

// newController reads the options of `auth: {openshift: {…}}`:
// realm; challenge (bearer or basic); server and ca (the API; by default that of the pod's service account);
// reviews (self: with the caller's own token; delegated: with the registry's, which needs system:auth-delegator).
func newController(options map[string]any) (*controller, error) {
	option := func(name, otherwise string) string {
		if value, ok := options[name].(string); ok && value != "" {
			return value
		}
		return otherwise
	}
	api, err := newReviewer(option("server", inClusterServer()), option("ca", serviceAccountDir+"/ca.crt"),
		option("reviews", "self") == "delegated")
	if err != nil {
		return nil, fmt.Errorf("auth openshift: %w", err)
	}
	return &controller{realm: option("realm", "openshift"), basic: option("challenge", "bearer") == "basic", api: api}, nil
}

// right is one RBAC right in the API group image.openshift.io.
type right struct {
	namespace, verb, resource, subresource, name string
}

func (r right) String() string {
	resource := r.resource
	if r.subresource != "" {
		resource += "/" + r.subresource
	}
	return fmt.Sprintf("%s %s %q in namespace %q", r.verb, resource, r.name, r.namespace)
}

// rightFor says which right an action of the registry needs: those that OpenShift's registry asks for.
func rightFor(access auth.Access) (right, error) {
	if access.Type == "registry" { // the catalogue of all repositories
		return right{verb: "list", resource: "imagestreams"}, nil
	}
	namespace, name, hasBoth := strings.Cut(access.Name, "/")
	if access.Type != "repository" || !hasBoth {
		return right{}, fmt.Errorf("%s %q is not of the form <namespace>/<name>", access.Type, access.Name)
	}
	switch access.Action {
	case "pull":
		return right{namespace, "get", "imagestreams", "layers", name}, nil
	case "push":
		return right{namespace, "update", "imagestreams", "layers", name}, nil
	case "delete": // pruning is a right on the images of the whole cluster
		return right{verb: "delete", resource: "images"}, nil
	}
	return right{}, fmt.Errorf("no right is known for %q on %q", access.Action, access.Name)
}

// tokenOf is the cluster token in a request: the password of Basic, or Bearer's.
func tokenOf(r *http.Request) (string, bool) {
	if _, password, ok := r.BasicAuth(); ok {
		return password, true
	}
	return strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// Authorized grants a request when the caller is known and has the right for every record.
func (c *controller) Authorized(r *http.Request, records ...auth.Access) (*auth.Grant, error) {
	token, given := tokenOf(r)
	if !given {
		return nil, c.refuse(r, auth.ErrInvalidCredential)
	}
	caller, err := c.api.who(token)
	if err != nil {
		return nil, c.refuse(r, err)
	}
	for i, access := range records {
		err := c.check(caller, access)
		if err == nil {
			continue
		}
		if i > 0 && r.Method == http.MethodPost && access.Name != records[0].Name {
			withoutMount(r) // no right on the repository to take the blob from: it is uploaded instead
			continue
		}
		return nil, c.refuse(r, err)
	}
	return &auth.Grant{User: auth.UserInfo{Name: caller.Username}}, nil
}

func (c *controller) check(caller *user, access auth.Access) error {
	needed, err := rightFor(access)
	if err != nil {
		return err
	}
	allowed, err := c.api.allowed(caller, needed)
	if err != nil {
		return err
	}
	if !allowed {
		return fmt.Errorf("%s may not %s", caller.Username, needed)
	}
	return nil
}

// withoutMount makes a request for a cross-repository mount one for a plain upload.
func withoutMount(r *http.Request) {
	query := r.URL.Query()
	for _, parameter := range []string{"from", "mount"} {
		query.Del(parameter)
		r.Form.Del(parameter)
	}
	r.URL.RawQuery = query.Encode()
}

func (c *controller) refuse(r *http.Request, reason error) error {
	logrus.Warnf("auth openshift: %s %s: %v", r.Method, r.URL.Path, reason)
	return challenge{controller: c, reason: reason}
}
