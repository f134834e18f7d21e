{{/* Names, labels and images that the templates share. */}}

{{- define "edgecluster.name" -}}
{{- default .Chart.Name .Values.nameOverride -}}
{{- end -}}

{{/*
The release's name, with the chart's behind it unless it says so already: at most 63 characters, as it names the
Deployment. Releases have names of at most 53 characters, so what is cut off is the chart's name.
*/}}
{{- define "edgecluster.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else -}}
{{- $name := include "edgecluster.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimAll "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
The name of the Service for metrics. Names of Services are stricter than those of other objects: no dots, a letter
first, at most 63 characters. A name that must be changed for it gets a hash of the full one, so that no two releases
share it.
*/}}
{{- define "edgecluster.metricsServiceName" -}}
{{- $fullname := include "edgecluster.fullname" . -}}
{{- $name := printf "%s-metrics" $fullname -}}
{{- if and (le (len $name) 63) (regexMatch "^[a-z][-a-z0-9]*$" $name) -}}
{{- $name -}}
{{- else -}}
{{- $start := regexReplaceAll "^[^a-z]+" (replace "." "-" $fullname) "" | default "edgecluster" | trunc 46 | trimAll "-" -}}
{{- printf "%s-%s-metrics" $start (sha256sum $fullname | trunc 8) -}}
{{- end -}}
{{- end -}}

{{/*
A regular expression for the names of the operator's pods: NAME-HASH-RANDOM, of which Kubernetes keeps 58 characters and
the five random ones.
*/}}
{{- define "edgecluster.podPattern" -}}
{{- $fullname := include "edgecluster.fullname" . -}}
{{- $name := replace "." "[.]" (trunc 58 $fullname) -}}
{{- if le (len $fullname) 46 -}}
{{- printf "%s-[a-z0-9]+-[a-z0-9]{5}" $name -}}
{{- else if le (len $fullname) 57 -}}
{{- printf "%s-[a-z0-9]*-?[a-z0-9]{5}" $name -}}
{{- else -}}
{{- printf "%s[a-z0-9]{5}" $name -}}
{{- end -}}
{{- end -}}

{{/* A name for objects outside namespaces: two releases may have the same name in two namespaces. */}}
{{- define "edgecluster.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "edgecluster.fullname" .) -}}
{{- end -}}

{{- define "edgecluster.selectorLabels" -}}
app.kubernetes.io/name: {{ include "edgecluster.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "edgecluster.labels" -}}
{{ include "edgecluster.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The Secret with the key that all credentials derive from. The operator makes it. */}}
{{- define "edgecluster.masterKeyName" -}}
{{- printf "%s-master-key" (include "edgecluster.fullname" .) -}}
{{- end -}}

{{- define "edgecluster.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "edgecluster.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* An image's full name from {repository, tag, digest}; the digest wins. Takes a list: image, appVersion. */}}
{{- define "edgecluster.imageName" -}}
{{- $image := index . 0 -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default (index . 1) $image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "edgecluster.image" -}}
{{- include "edgecluster.imageName" (list .Values.image .Chart.AppVersion) -}}
{{- end -}}

{{- define "edgecluster.edgeImage" -}}
{{- if .Values.edgeImage.repository -}}
{{- include "edgecluster.imageName" (list .Values.edgeImage .Chart.AppVersion) -}}
{{- else if or .Values.edgeImage.tag .Values.edgeImage.digest -}}
{{- include "edgecluster.imageName" (list (merge (dict "repository" .Values.image.repository) .Values.edgeImage) .Chart.AppVersion) -}}
{{- else -}}
{{- include "edgecluster.image" . -}}
{{- end -}}
{{- end -}}

{{/* Labels of an alert. Takes a list: the root, the severity. */}}
{{- define "edgecluster.alertLabels" -}}
severity: {{ index . 1 }}
{{- with (index . 0).Values.metrics.prometheusRule.alertLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Where an alert's section of RUNBOOK.md is. Takes a list: the root, the alert's name. */}}
{{- define "edgecluster.runbook" -}}
runbook_url: {{ printf "%s#%s" (index . 0).Values.metrics.prometheusRule.runbookUrl (lower (index . 1)) | quote }}
{{- end -}}
