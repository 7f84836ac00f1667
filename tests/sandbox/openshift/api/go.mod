module okd-registry-sandbox/openshift-api

go 1.24.0

require github.com/openshift/api v0.0.0-20260105191300-d1c4dc4fd37b
