// Copyright: (c) 2026, okd.registry contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	serviceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount"
	imageGroup        = "image.openshift.io"
	apiTimeout        = 10 * time.Second
)

// reviewer asks the cluster's API who somebody is and what he may do.
type reviewer struct {
	server    string
	delegated bool // ask with the registry's own token about the caller, instead of with the caller's
	client    *http.Client
}

// user is the userInfo of the API.
type user struct {
	Username string              `json:"username"`
	UID      string              `json:"uid,omitempty"`
	Groups   []string            `json:"groups,omitempty"`
	Extra    map[string][]string `json:"extra,omitempty"`
	token    string              // empty for the anonymous one
}

func inClusterServer() string {
	return "https://" + net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
}

func newReviewer(server, caPath string, delegated bool) (*reviewer, error) {
	ca, err := os.ReadFile(caPath)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s: holds no PEM certificate", caPath)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	return &reviewer{server, delegated, &http.Client{Timeout: apiTimeout, Transport: transport}}, nil
}

// review is what the four kinds of review have in common.
type review struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Spec       map[string]any `json:"spec,omitempty"`
	Status     struct {
		Authenticated bool   `json:"authenticated"` // TokenReview
		Error         string `json:"error"`
		User          user   `json:"user"`
		UserInfo      user   `json:"userInfo"` // SelfSubjectReview
		Allowed       bool   `json:"allowed"`  // the access reviews
	} `json:"status"`
}

// post sends a review to the API with a token and returns it answered. The API's refusal is an error.
func (a *reviewer) post(group, kind, token string, spec map[string]any) (*review, error) {
	body, err := json.Marshal(map[string]any{"apiVersion": group + "/v1", "kind": kind, "spec": spec})
	if err != nil {
		return nil, err
	}
	url := a.server + "/apis/" + group + "/v1/" + strings.ToLower(kind) + "s"
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := a.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusMultipleChoices {
		var status struct{ Message string }
		_ = json.NewDecoder(response.Body).Decode(&status) // the status line says enough without
		return nil, fmt.Errorf("%s: %s %s", kind, response.Status, status.Message)
	}
	answered := &review{}
	if err := json.NewDecoder(response.Body).Decode(answered); err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	return answered, nil
}

// own is the registry's own token; read each time, as the kubelet renews it.
func own() (string, error) {
	token, err := os.ReadFile(serviceAccountDir + "/token")
	return string(token), err
}

// who is the user whom a token stands for.
func (a *reviewer) who(token string) (*user, error) {
	if token == anonymous {
		return &user{Username: "system:anonymous", Groups: []string{"system:unauthenticated"}}, nil
	}
	if !a.delegated {
		answer, err := a.post("authentication.k8s.io", "SelfSubjectReview", token, nil)
		if err != nil {
			return nil, err
		}
		found := answer.Status.UserInfo
		found.token = token
		return &found, nil
	}
	registry, err := own()
	if err != nil {
		return nil, err
	}
	answer, err := a.post("authentication.k8s.io", "TokenReview", registry, map[string]any{"token": token})
	if err != nil {
		return nil, err
	}
	if !answer.Status.Authenticated {
		return nil, errors.New("TokenReview: the cluster does not accept the token: " + answer.Status.Error)
	}
	found := answer.Status.User
	found.token = token
	return &found, nil
}

// allowed asks the API whether a user has a right. The anonymous user cannot ask for himself.
func (a *reviewer) allowed(caller *user, needed right) (bool, error) {
	spec := map[string]any{"resourceAttributes": map[string]string{
		"namespace": needed.namespace, "verb": needed.verb, "group": imageGroup,
		"resource": needed.resource, "subresource": needed.subresource, "name": needed.name,
	}}
	kind, token := "SelfSubjectAccessReview", caller.token
	if a.delegated || token == "" {
		registry, err := own()
		if err != nil {
			return false, err
		}
		kind, token = "SubjectAccessReview", registry
		spec["user"], spec["uid"], spec["groups"], spec["extra"] = caller.Username, caller.UID, caller.Groups, caller.Extra
	}
	answer, err := a.post("authorization.k8s.io", kind, token, spec)
	if err != nil {
		return false, err
	}
	return answer.Status.Allowed, nil
}
