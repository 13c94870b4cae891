{{/* A process's variables from `console`: (list $ "merchants"). Merchants puts the console's URL into invitations. */}}
{{- define "incasso.consoleEnv" -}}
{{- $console := (index . 0).Values.console -}}
{{- if and $console.enabled (has (index . 1) (list "console" "merchants")) }}
- {name: INCASSO_CONSOLE_URL, value: {{ required "console.url is needed where console.enabled is true" $console.url | quote }}}
{{- if and $console.localSignIn (eq (index . 1) "merchants") }}
- {name: INCASSO_CONSOLE_PASSWORDS, value: "true"}
{{- end }}
{{- end }}
{{- if and $console.enabled (eq (index . 1) "console") }}
{{- include "incasso.consoleRefusals" (index . 0) }}
- {name: INCASSO_TRUSTED_PROXIES, value: {{ $console.trustedProxies | quote }}}
- {name: INCASSO_LOCAL_SIGN_IN, value: {{ $console.localSignIn | quote }}}
{{- with $console.oidc.issuer }}
- {name: INCASSO_OIDC_ISSUER, value: {{ . | quote }}}
- {name: INCASSO_OIDC_CLIENT_ID, value: {{ $console.oidc.clientId | quote }}}
{{- end }}
{{- end }}
{{- end -}}

{{- define "incasso.consoleRefusals" -}}
{{- $console := .Values.console -}}
{{- if not (or $console.oidc.issuer $console.localSignIn) -}}
{{- fail "console.oidc.issuer is needed where console.enabled is true: nobody could sign in" -}}
{{- end -}}
{{- if ne (empty $console.oidc.issuer) (empty $console.oidc.clientId) -}}
{{- fail "console.oidc.issuer and console.oidc.clientId belong together" -}}
{{- end -}}
{{- $routed := or $console.ingress.enabled $console.httpRoute.enabled -}}
{{- if and $routed .Values.networkPolicy.enabled (not .Values.networkPolicy.console.peers) -}}
{{- fail "networkPolicy.console.peers is needed where console.ingress or console.httpRoute is enabled: nobody would reach it" -}}
{{- end -}}
{{- end -}}
