// Shows /openapi.json as it is; asks nobody but this gateway.
Scalar.createApiReference("#docs", {
  url: "/openapi.json",
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: "never",
  hideClientButton: true,
});
