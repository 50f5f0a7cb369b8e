// The web client, as a page has it: knows all flags of one person, asks again when it hears of a change.
// Prints one JSON object a line; goes on when a line comes in.
const { OpenFeature, ProviderEvents } = require("@openfeature/web-sdk");
const { OFREPWebProvider } = require("@openfeature/ofrep-web-provider");
const lines = require("node:readline").createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const [baseUrl, key, changeDetection] = process.argv.slice(2);
const asked = [];
const real = globalThis.fetch;

globalThis.fetch = async (request) => {
  const answer = await real(request);
  asked.push([answer.status, request.headers.get("If-None-Match") === (answer.headers.get("ETag") ?? "")]);
  return answer;
};

const say = (told) => console.log(JSON.stringify(told));

async function main() {
  const headers = [["X-API-Key", key]];
  const pollInterval = changeDetection === "polling" ? 100 : 0;
  const options = { baseUrl, headers, changeDetection, pollInterval, cacheMode: "disabled" };
  await OpenFeature.setContext({ targetingKey: "u3", plan: "pro" });
  await OpenFeature.setProviderAndWait(new OFREPWebProvider(options));
  const client = OpenFeature.getClient();
  const seen = () => ({ plain: client.getBooleanDetails("plain", false), chosen: client.getNumberDetails("chosen", 0) });
  const changed = new Promise((resolve) => client.addHandler(ProviderEvents.ConfigurationChanged, resolve));
  while (pollInterval && !asked.some(([status]) => status === 304)) await new Promise((resolve) => setTimeout(resolve, 20));
  say(seen());
  if ((await lines.next()).value === "change") {
    await changed;
    say(seen());
  } else if (changeDetection === "none") {
    await OpenFeature.setContext({ targetingKey: "u3", plan: "free" });
    say(seen());
  }
  say(asked);
  await OpenFeature.close();
  process.exit(0);
}

main().catch((error) => say({ failed: error.message, asked }));
