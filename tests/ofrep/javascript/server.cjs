// The server client: asks what its arguments name, prints what it got, one JSON object a line.
const { OpenFeature } = require("@openfeature/server-sdk");
const { OFREPProvider } = require("@openfeature/ofrep-provider");

const [baseUrl, key, questions] = process.argv.slice(2);

async function main() {
  const headers = [["Authorization", `Bearer ${key}`]];
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl, headers }));
  const client = OpenFeature.getClient();
  for (const [type, flag, otherwise, context] of JSON.parse(questions)) {
    const found = await client[`get${type}Details`](flag, otherwise, context);
    console.log(JSON.stringify(found));
  }
}

main();
