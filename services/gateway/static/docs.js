// Shows /openapi.json. This Swagger UI reads 3.0: what 3.1 says in other words is put back.
function asThreeZero(node) {
  if (Array.isArray(node)) return node.map(asThreeZero);
  if (node === null || typeof node !== "object") return node;
  const made = {};
  for (const [name, value] of Object.entries(node)) {
    const isSchemaExamples = name === "examples" && Array.isArray(value);
    if (isSchemaExamples) made.example = value[0];
    else if (name !== "propertyNames") made[name] = asThreeZero(value);
  }
  return made;
}

async function show() {
  const response = await fetch("/openapi.json");
  const spec = asThreeZero(await response.json());
  spec.openapi = "3.0.3";
  delete spec.info.summary;
  delete spec.info.license.identifier;
  SwaggerUIBundle({
    spec,
    dom_id: "#docs",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
}

show();
