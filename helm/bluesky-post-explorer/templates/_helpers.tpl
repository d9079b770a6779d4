{{- define "explorer.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "explorer.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "explorer.labels" -}}
{{ include "explorer.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* An image of the values, by digest or tag; the second argument is the tag where none is given. */}}
{{- define "explorer.image" -}}
{{- $image := index . 0 -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository ($image.tag | default (index . 1)) -}}
{{- end -}}
{{- end -}}

{{- define "explorer.claim" -}}
{{- .Values.archive.existingClaim | default (printf "%s-archive" (include "explorer.name" .)) -}}
{{- end -}}

{{- define "explorer.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "explorer.name" .) -}}
{{- end -}}

{{- define "explorer.redisSecret" -}}
{{- .Values.redis.existingSecret | default (printf "%s-redis" (include "explorer.name" .)) -}}
{{- end -}}

{{- define "explorer.ownRedis" -}}
{{- if not (or .Values.redis.externalUrl .Values.redis.externalUrlSecret) -}}true{{- end -}}
{{- end -}}

{{- define "explorer.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "explorer.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Where the Redis is, for the application. */}}
{{- define "explorer.redisEnv" -}}
{{- if include "explorer.ownRedis" . -}}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "explorer.redisSecret" . }}
      key: password
- name: EXPLORER_REDIS_URL
  value: redis://:$(REDIS_PASSWORD)@{{ include "explorer.name" . }}-redis:6379
{{- else if .Values.redis.externalUrlSecret -}}
- name: EXPLORER_REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.redis.externalUrlSecret }}
      key: url
{{- else -}}
- name: EXPLORER_REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ include "explorer.name" . }}-redis-url
      key: url
{{- end -}}
{{- end -}}

{{/* All pods that use the archive's volume are on its node. */}}
{{- define "explorer.besideTheArchive" -}}
podAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    - topologyKey: kubernetes.io/hostname
      labelSelector:
        matchLabels:
          {{- include "explorer.selector" . | nindent 10 }}
          explorer/archive: "true"
{{- end -}}
