// Makes src/openapi.ts from the document that `aig-logs serve` serves. AIG_LOGS_BIN names the program.
import { writeFileSync } from "node:fs";
import openapiTypes, { astToString } from "openapi-typescript";
import { serve } from "../test/support/serve.js";

export const file = new URL("../src/openapi.ts", import.meta.url);

const HEAD = "// Made from GET /openapi.json by `npm run openapi --workspace clients/js`. Do not edit.\n";

/** The types, as the file should hold them. */
export async function types() {
  const server = await serve();
  try {
    const document = await (await fetch(`${server.url}/openapi.json`)).json();
    return HEAD + astToString(await openapiTypes(document, { emptyObjectsUnknown: true, defaultNonNullable: false }));
  } finally {
    await server.end();
  }
}

if (import.meta.filename === process.argv[1]) writeFileSync(file, await types());
