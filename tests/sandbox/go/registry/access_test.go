// Copyright: (c) 2026, okd.registry contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/distribution/distribution/v3/registry/auth"
)

// cluster is an API in which the token "alice-token" is alice's, who has all rights in her own namespace.
func cluster(t *testing.T) *controller {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer alice-token" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"message":"Unauthorized"}`))
			return
		}
		var asked struct {
			Spec struct{ ResourceAttributes map[string]string }
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"status": map[string]any{
			"userInfo": map[string]any{"username": "alice", "groups": []string{"system:authenticated"}},
			"allowed":  asked.Spec.ResourceAttributes["namespace"] == "alice",
		}})
	}))
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.crt")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	created, err := newController(map[string]any{"server": server.URL, "ca": ca})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func repository(name, action string) auth.Access {
	return auth.Access{Resource: auth.Resource{Type: "repository", Name: name}, Action: action}
}

func TestAuthorized(t *testing.T) {
	c := cluster(t)
	for _, try := range []struct {
		name, password string
		access         []auth.Access
		refusal        string // part of the reason; empty where it is granted
	}{
		{"login", "alice-token", nil, ""},
		{"login with a wrong token", "wrong", nil, "401"},
		{"no credentials", "", nil, auth.ErrInvalidCredential.Error()},
		{"push to the own namespace", "alice-token", []auth.Access{repository("alice/app", "pull"), repository("alice/app", "push")}, ""},
		{"push to another's", "alice-token", []auth.Access{repository("bob/app", "push")}, `may not update imagestreams/layers "app" in namespace "bob"`},
		{"name without namespace", "alice-token", []auth.Access{repository("app", "pull")}, "not of the form"},
		{"unknown action", "alice-token", []auth.Access{repository("alice/app", "burn")}, "no right is known"},
		{"catalogue", "alice-token", []auth.Access{{Resource: auth.Resource{Type: "registry", Name: "catalog"}, Action: "*"}}, "may not list imagestreams"},
	} {
		t.Run(try.name, func(t *testing.T) {
			request := httptest.NewRequest(http.MethodGet, "https://registry.test:5000/v2/", nil)
			if try.password != "" {
				request.SetBasicAuth("anyone", try.password)
			}
			grant, err := c.Authorized(request, try.access...)
			if try.refusal == "" {
				if err != nil || grant.User.Name != "alice" {
					t.Fatalf("got %v, %v; want a grant for alice", grant, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), try.refusal) {
				t.Fatalf("got %v; want a refusal with %q", err, try.refusal)
			}
			refused, ok := err.(auth.Challenge)
			if !ok {
				t.Fatalf("%T is no challenge", err)
			}
			answer := httptest.NewRecorder()
			refused.SetHeaders(request, answer)
			if got, want := answer.Header().Get("WWW-Authenticate"), `Bearer realm="https://registry.test:5000/openshift/token"`; got != want {
				t.Fatalf("challenge %s; want %s", got, want)
			}
		})
	}
}

func TestMountFromAForeignRepositoryBecomesAnUpload(t *testing.T) {
	c := cluster(t)
	request := httptest.NewRequest(http.MethodPost, "https://r/v2/alice/app/blobs/uploads/?from=bob/app&mount=sha256:00", nil)
	request.SetBasicAuth("alice", "alice-token")
	_ = request.FormValue("from") // distribution has read the form by then
	_, err := c.Authorized(request, repository("alice/app", "push"), repository("bob/app", "pull"))
	if err != nil {
		t.Fatal(err)
	}
	if request.FormValue("from") != "" || request.URL.RawQuery != "" {
		t.Fatalf("still a mount: %v %q", request.Form, request.URL.RawQuery)
	}
}

func TestToken(t *testing.T) {
	c := cluster(t)
	for _, try := range []struct {
		password, token string
		status          int
	}{
		{"alice-token", "alice-token", http.StatusOK},
		{"", anonymous, http.StatusOK},
		{"wrong", "", http.StatusUnauthorized},
	} {
		request := httptest.NewRequest(http.MethodGet, "https://registry.test"+tokenPath, nil)
		if try.password != "" {
			request.SetBasicAuth("alice", try.password)
		}
		answer := httptest.NewRecorder()
		c.serveToken(answer, request)
		var body map[string]string
		_ = json.NewDecoder(answer.Body).Decode(&body)
		if answer.Code != try.status || body["token"] != try.token {
			t.Errorf("password %q: got %d %v", try.password, answer.Code, body)
		}
	}
}

func TestSchemeOfTheChallenge(t *testing.T) {
	plain := httptest.NewRequest(http.MethodGet, "http://r/v2/", nil)
	if got := scheme(plain); got != "http" {
		t.Errorf("plain: %s", got)
	}
	plain.Header.Set("X-Forwarded-Proto", "https")
	if got := scheme(plain); got != "https" {
		t.Errorf("behind a route that ends TLS: %s", got)
	}
}
