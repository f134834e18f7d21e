{{/* Names, labels and images that the templates share. */}}

{{- define "edgecluster.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The release's name, with the chart's behind it unless it says so already. */}}
{{- define "edgecluster.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "edgecluster.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A name for objects outside namespaces: two releases may have the same name in two namespaces. */}}
{{- define "edgecluster.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "edgecluster.fullname" .) -}}
{{- end -}}

{{- define "edgecluster.selectorLabels" -}}
app.kubernetes.io/name: {{ include "edgecluster.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
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
