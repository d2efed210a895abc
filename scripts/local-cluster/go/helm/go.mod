module redis-orchestrator/local-cluster/helm

go 1.26.0

require helm.sh/helm/v3 v3.22.0

require helm.sh/helm/v4 v4.3.2
