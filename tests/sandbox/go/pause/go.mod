module okd-registry-sandbox/pause

go 1.24.0
