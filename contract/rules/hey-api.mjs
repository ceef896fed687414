export default {
  input: "./made/openapi.json",
  output: "./made/hey-api",
  plugins: [
    "@hey-api/typescript", "@hey-api/client-fetch", { name: "zod" },
    { name: "@hey-api/sdk", validator: "zod" },
  ],
};
