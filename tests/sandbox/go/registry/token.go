// Copyright: (c) 2026, okd.registry contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/sirupsen/logrus"
)

// anonymous is the token of a caller without credentials: he has the rights of system:unauthenticated.
const anonymous = "anonymous"

// challenge is a refusal that tells the client where to get a token.
type challenge struct {
	controller *controller
	reason     error
}

func (c challenge) Error() string { return c.reason.Error() }

// SetHeaders writes WWW-Authenticate.
func (c challenge) SetHeaders(r *http.Request, w http.ResponseWriter) {
	if c.controller.basic {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Basic realm=%q", c.controller.realm))
		return
	}
	w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer realm=%q", scheme(r)+"://"+r.Host+tokenPath))
}

// scheme is how the client reached the registry, also through a route that ends its TLS.
func scheme(r *http.Request) string {
	if forwarded := r.Header.Get("X-Forwarded-Proto"); forwarded != "" {
		return forwarded
	}
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// serveToken gives a caller his own password back once the cluster knows it as a token, as OpenShift's registry
// does; a caller without credentials gets the token "anonymous".
func (c *controller) serveToken(w http.ResponseWriter, r *http.Request) {
	token := anonymous
	if _, password, given := r.BasicAuth(); given {
		if _, err := c.api.who(password); err != nil {
			logrus.Warnf("auth openshift: token: %v", err)
			w.Header().Set("WWW-Authenticate", fmt.Sprintf("Basic realm=%q", c.realm))
			http.Error(w, `{"details":"unauthorized"}`, http.StatusUnauthorized)
			return
		}
		token = password
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(map[string]string{"token": token, "access_token": token}); err != nil {
		logrus.Warnf("auth openshift: token: %v", err)
	}
}
