module.exports = {
  gateway: {
    input: "../made/openapi.json",
    output: { mode: "single", target: "../made/orval/gateway.ts", client: "fetch", baseUrl: process.env.GATEWAY },
  },
};
