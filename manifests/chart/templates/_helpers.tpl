{{/* What helm's people expect on each object; never in a selector, which may not change. */}}
{{- define "redis-orchestrator.labels" -}}
app.kubernetes.io/instance: {{ quote .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The whole name of an image: (list . IMAGE), where IMAGE has repository and digest. */}}
{{- define "redis-orchestrator.image" -}}
{{- $root := index . 0 }}
{{- $image := index . 1 }}
{{- with $root.Values.image.registry }}{{ trimSuffix "/" . }}/{{ end }}
{{- $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}{{ end }}
{{- end }}

{{/* What makes an object one of `helm test`: no part of the release, and gone once the test has passed. */}}
{{- define "redis-orchestrator.testHook" -}}
helm.sh/hook: test
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* Labels and annotations of what the test's pod needs, which is there before it. */}}
{{- define "redis-orchestrator.testRight" -}}
labels:
  app.kubernetes.io/name: redis-orchestrator
  {{- include "redis-orchestrator.labels" . | nindent 2 }}
annotations:
  {{- include "redis-orchestrator.testHook" . | nindent 2 }}
  helm.sh/hook-weight: "-1"
{{- end }}
