{{/* Names stay below 63 characters with the longest suffix, "-instalments-headless". */}}
{{- define "incasso.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 36 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 36 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The immutable labels of a component: (list $ "payments"). */}}
{{- define "incasso.selector" -}}
app.kubernetes.io/name: {{ default (index . 0).Chart.Name (index . 0).Values.nameOverride | trunc 63 }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "incasso.labels" -}}
{{ include "incasso.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
app.kubernetes.io/part-of: incasso
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name (index . 0).Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with (index . 0).Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Metadata of an object of a component, below "metadata:". */}}
{{- define "incasso.metadata" -}}
{{- $root := index . 0 -}}
name: {{ include "incasso.fullname" $root }}-{{ index . 2 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "incasso.labels" (list $root (index . 1)) | nindent 2 }}
{{- with $root.Values.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "incasso.image" -}}
{{- $image := .Values.image -}}
{{- $name := ternary (printf "%s/%s" $image.registry $image.repository) $image.repository (ne $image.registry "") -}}
{{- ternary (printf "%s@%s" $name $image.digest) (printf "%s:%s" $name (default .Chart.AppVersion $image.tag)) (ne $image.digest "") -}}
{{- end -}}

{{- define "incasso.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "incasso.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed where serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The account of a process: (list $ "payments"). */}}
{{- define "incasso.serviceAccountOf" -}}
{{- $account := include "incasso.serviceAccount" (index . 0) -}}
{{- ternary (printf "%s-console" $account) $account (and (eq (index . 1) "console") (index . 0).Values.serviceAccount.create) -}}
{{- end -}}

{{/* The name of a Secret: (list $ .Values.secrets.tls "payments"). */}}
{{- define "incasso.secret" -}}
{{- index . 1 | replace "<fullname>" (include "incasso.fullname" (index . 0)) | replace "<service>" (index . 2) -}}
{{- end -}}

{{/* The values of one process: the defaults, then the variables by which messages reach the sandbox, then its own. */}}
{{- define "incasso.process" -}}
{{- $values := (index . 0).Values -}}
{{- $demo := dict -}}
{{- if and (eq (index . 1) "notify") $values.demo.sandbox.enabled -}}
{{- $demo = dict "env" (include "incasso.demoMessages" (index . 0) | fromYaml) -}}
{{- end -}}
{{- mergeOverwrite (deepCopy $values.defaults) $demo (deepCopy (default dict (index $values.services (index . 1)))) | toYaml -}}
{{- end -}}

{{/* Processes with their facts from the contracts; the console only if it is enabled. */}}
{{- define "incasso.processes" -}}
{{- $facts := .Files.Get "files/services.yaml" | fromYaml -}}
{{- if not .Values.console.enabled -}}
{{- $_ := unset $facts "console" -}}
{{- end -}}
{{- toYaml $facts -}}
{{- end -}}

{{/* The restrictions on all processes' containers. */}}
{{- define "incasso.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Common to every pod: (list $ "payments"). */}}
{{- define "incasso.podSpec" -}}
{{- $root := index . 0 -}}
enableServiceLinks: false
automountServiceAccountToken: false
# A lost DNS query is retried after one second; the default is five, by which time calls have timed out.
dnsConfig:
  options:
    - {name: ndots, value: "2"}
    - {name: timeout, value: "1"}
    - {name: attempts, value: "4"}
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- range $key, $value := $root.Values.podSecurityContext }}
  {{- if not (kindIs "invalid" $value) }}
  {{ $key }}: {{ toJson $value }}
  {{- end }}
  {{- end }}
{{- end -}}

{{/* Variables of a process that are not secret: (list $ "payments" $facts "/etc/incasso/settings"). */}}
{{- define "incasso.env" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $facts := index . 2 -}}
- {name: PYTHONUNBUFFERED, value: "1"}
- {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
- {name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
- {name: NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: k8s.pod.name=$(POD_NAME),k8s.namespace.name=$(POD_NAMESPACE),k8s.node.name=$(NODE_NAME),service.version={{ $root.Chart.AppVersion }}
{{- with $root.Values.telemetry.endpoint }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
- {name: OTEL_TRACES_SAMPLER_ARG, value: {{ $root.Values.telemetry.samplingRatio | quote }}}
{{- end }}
- {name: INCASSO_LISTEN_HOST, value: "0.0.0.0"}
- {name: INCASSO_ADMIN_PORT, value: "9090"}
- {name: INCASSO_SECRETS_DIR, value: {{ index . 3 }}}
- {name: INCASSO_IDENTITY_KEY_FILE, value: /etc/incasso/identity/identity.key}
- {name: INCASSO_PUBLIC_URL, value: {{ required "publicUrl is needed: where shoppers reach the gateway" $root.Values.publicUrl | quote }}}
{{- /* Gateway and console know every service, whichever they call at present. */}}
{{- range $other, $fact := include "incasso.processes" $root | fromYaml }}
{{- if and $fact.grpc (or (not $facts.grpc) (has $other $facts.calls)) }}
- {name: INCASSO_{{ upper $other }}_TARGET, value: "dns:///{{ include "incasso.fullname" $root }}-{{ $other }}-headless:50051"}
{{- end }}
{{- end }}
{{- if $root.Values.tls.enabled }}
- {name: INCASSO_TLS_CERTIFICATE_FILE, value: /etc/incasso/tls/tls.crt}
- {name: INCASSO_TLS_KEY_FILE, value: /etc/incasso/tls/tls.key}
- {name: INCASSO_TLS_CA_FILE, value: /etc/incasso/tls/ca.crt}
{{- end }}
{{- if not $facts.grpc }}
- {name: INCASSO_HTTP_PORT, value: "8080"}
{{- else }}
- {name: INCASSO_GRPC_PORT, value: "50051"}
- {name: INCASSO_TRUST_DIR, value: /etc/incasso/trust}
# How long to wait for a missing database and for its migrations: as long as those may take.
- {name: INCASSO_STARTUP_WAIT_SECONDS, value: {{ $root.Values.migrations.activeDeadlineSeconds | quote }}}
{{- end }}
{{- if eq $name "gateway" }}
- {name: INCASSO_TRUSTED_PROXIES, value: {{ $root.Values.trustedProxies | quote }}}
- {name: INCASSO_CONTACT_EMAIL, value: {{ $root.Values.contactEmail | quote }}}
{{- else if eq $name "payments" }}
- {name: INCASSO_PSP_CREDENTIALS_DIR, value: /etc/incasso/psp}
{{- end }}
{{- include "incasso.consoleEnv" (list $root $name) }}
{{- end -}}

{{- define "incasso.grpcEnv" -}}
{{- if lt (float64 .Values.grpc.keepaliveSeconds) (float64 .Values.grpc.pingIntervalSeconds) -}}
{{- fail "grpc.keepaliveSeconds is below grpc.pingIntervalSeconds: servers would refuse their clients' pings" -}}
{{- end -}}
{{- range $key, $value := .Values.grpc }}
- {name: INCASSO_GRPC_{{ snakecase $key | upper }}, value: {{ $value | quote }}}
{{- end }}
{{- end -}}

{{/* Secret settings: (list $ "payments" $process). */}}
{{- define "incasso.settingsVolume" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
projected:
  defaultMode: 0440
  sources:
    - secret:
        name: {{ include "incasso.secret" (list $root $root.Values.secrets.settings $name) }}
        optional: {{ eq $name "gateway" }}
    {{- range $file, $from := (index . 2).secretFiles }}
    - secret:
        name: {{ $from.secret }}
        items: [{key: {{ $from.key | quote }}, path: {{ $file | quote }}}]
    {{- end }}
    {{- with $root.Values.console.oidc.existingSecret }}
    {{- if eq $name "console" }}
    - secret:
        name: {{ . }}
        items: [{key: {{ $root.Values.console.oidc.secretKey | quote }}, path: incasso_oidc_client_secret}]
    {{- end }}
    {{- end }}
{{- end -}}

{{/* Files of a process: (list $ "payments" $process). */}}
{{- define "incasso.volumes" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
- name: settings
  {{- include "incasso.settingsVolume" . | nindent 2 }}
- name: identity
  secret: {secretName: {{ include "incasso.secret" (list $root $root.Values.secrets.identity $name) }}, defaultMode: 0440}
{{- if not (has $name (list "gateway" "console")) }}
- name: trust
  secret: {secretName: {{ include "incasso.secret" (list $root $root.Values.secrets.trust $name) }}, defaultMode: 0440}
{{- end }}
{{- if $root.Values.tls.enabled }}
- name: tls
  secret: {secretName: {{ include "incasso.secret" (list $root $root.Values.secrets.tls $name) }}, defaultMode: 0440}
{{- end }}
{{- if eq $name "payments" }}
- name: psp
  secret: {secretName: {{ include "incasso.secret" (list $root $root.Values.secrets.pspCredentials $name) }}, defaultMode: 0440, optional: true}
{{- end }}
- name: tmp
  {{- /* Holds imported files, up to 1Gi each, and exported workbooks. A pod that exceeds the limit is evicted. */}}
  emptyDir: {sizeLimit: {{ if has $name (list "gateway" "console" "reporting") }}4Gi{{ else }}64Mi{{ end }}}
{{- end -}}

{{- define "incasso.mounts" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
- {name: settings, mountPath: /etc/incasso/settings, readOnly: true}
- {name: identity, mountPath: /etc/incasso/identity, readOnly: true}
{{- if not (has $name (list "gateway" "console")) }}
- {name: trust, mountPath: /etc/incasso/trust, readOnly: true}
{{- end }}
{{- if $root.Values.tls.enabled }}
- {name: tls, mountPath: /etc/incasso/tls, readOnly: true}
{{- end }}
{{- if eq $name "payments" }}
- {name: psp, mountPath: /etc/incasso/psp, readOnly: true}
{{- end }}
- {name: tmp, mountPath: /tmp}
{{- end -}}
