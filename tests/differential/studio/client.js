// Studio's REST with the `twilio` package of npm: a line for each check.
"use strict";
const { createRequire } = require("module");
const { isDeepStrictEqual } = require("util");
const here = createRequire(process.cwd() + "/");
const twilio = here("twilio");
const RequestClient = here("twilio/lib/base/RequestClient");

const [BASE, SID, TOKEN] = process.argv.slice(2);
const OURS = "+15550199";
const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

// Asks the gateway where Twilio would be asked.
class Elsewhere extends (RequestClient.default || RequestClient) {
  request(options) {
    const uri = options.uri.replace("https://studio.twilio.com", BASE);
    return super.request({ ...options, uri });
  }
}

function check(what, value, expected = true) {
  const shown = `${JSON.stringify(value)}, not ${JSON.stringify(expected)}`;
  console.log(isDeepStrictEqual(value, expected) ? `ok ${what}` : `${what}: ${shown}`);
}

async function refusal(what, status, code, action) {
  try {
    await action();
    console.log(`${what}: it was not refused`);
  } catch (error) {
    check(what, [error.status, error.code], [status, code]);
    return error;
  }
}

async function until(what, found) {
  for (let count = 0; count < 100; count++) {
    if (await found()) return check(what, true);
    await pause();
  }
  check(what, false);
}

const sidsOf = (found) => found.map((one) => one.sid);

async function main() {
  const client = twilio(SID, TOKEN, { httpClient: new Elsewhere() });
  for (let count = 0; count < 100; count++) {
    try {
      await client.studio.v2.flows("count").executions.list({ limit: 1 });
      break;
    } catch (error) {
      await pause();
    }
  }
  const count = client.studio.v2.flows("count").executions;
  const made = await count.create({ to: "+15550100", from: OURS, parameters: { name: "Ada" } });
  check("create: sid", [made.sid.slice(0, 2), made.sid.length], ["FN", 34]);
  check("create: status", made.status, "active");
  check("create: account", made.accountSid, SID);
  check("create: contact", made.contactChannelAddress, "+15550100");
  check("create: date", Math.abs(Date.now() - made.dateCreated.getTime()) < 60_000);
  const ended = async () => (await count(made.sid).fetch()).status === "ended";
  await until("it runs to its end", ended);
  check("fetch: the same", (await count(made.sid).fetch()).sid, made.sid);
  const bySid = await client.studio.v2.flows(made.flowSid).executions(made.sid).fetch();
  check("fetch: by the flow's sid", bySid.sid, made.sid);
  const { context } = await count(made.sid).executionContext().fetch();
  check("context: variable", context.flow.variables.told, "Ada of +15550100");
  const steps = await count(made.sid).steps.list();
  const way = steps.map((step) => step.transitionedTo);
  check("steps: newest first", way, ["Ended", "second", "first"]);
  const single = await count(made.sid).steps.list({ pageSize: 1 });
  check("steps: pages", sidsOf(single), sidsOf(steps));
  const step = await count(made.sid).steps(steps[1].sid).fetch();
  check("step: names", [step.name, step.transitionedFrom], ["next", "first"]);
  const set = await count(made.sid).steps(step.sid).stepContext().fetch();
  check("step: context", set.context.widgets.first.who, "Ada");
  await pages(count, made);
  await waiting(client, count);
  console.log("ok done");
}

async function pages(count, made) {
  const sids = [made.sid];
  for (let number = 0; number < 24; number++) {
    sids.unshift((await count.create({ to: `+1555${1000 + number}`, from: OURS })).sid);
  }
  check("list: all pages", sidsOf(await count.list({ pageSize: 10 })), sids);
  const some = await count.list({ limit: 12, pageSize: 5 });
  check("list: a limit", sidsOf(some), sids.slice(0, 12));
  const first = await count.page({ pageSize: 10 });
  const second = await first.nextPage();
  check("page: next", sidsOf(second.instances), sids.slice(10, 20));
  check("page: previous", sidsOf((await second.previousPage()).instances), sids.slice(0, 10));
  const byUrl = await count.getPage(first.nextPageUrl);
  check("page: by its URL", sidsOf(byUrl.instances), sids.slice(10, 20));
  const at = (hours) => new Date(Date.now() + hours * 3_600_000);
  check("list: from then", (await count.list({ dateCreatedFrom: at(-1) })).length, 25);
  check("list: after all", await count.list({ dateCreatedFrom: at(1) }), []);
  check("list: before all", await count.list({ dateCreatedTo: at(-1) }), []);
}

async function waiting(client, count) {
  const ask = client.studio.v2.flows("ask").executions;
  const form = { to: "+15550100", from: OURS };
  const waits = await ask.create(form);
  const seen = async () => (await ask(waits.sid).executionContext().fetch()).context.widgets.ask;
  await until("it asks and waits", seen);
  const error = await refusal("conflict", 409, 20409, () => ask.create(form));
  check("conflict: with whom", error?.details?.conflicting_execution_sid, waits.sid);
  check("update: ended", (await ask(waits.sid).update({ status: "ended" })).status, "ended");
  check("after it another", (await ask.create(form)).sid !== waits.sid);
  check("delete", await ask(waits.sid).remove());
  await refusal("fetch: deleted", 404, 20404, () => ask(waits.sid).fetch());
  const nowhere = client.studio.v2.flows("nowhere").executions;
  await refusal("an unknown flow", 404, 20404, () => nowhere.list());
  await refusal("without To", 400, 21604, () => count.create({ to: "", from: OURS }));
  const stranger = twilio(SID, "wrong", { httpClient: new Elsewhere() });
  const strangers = stranger.studio.v2.flows("count").executions;
  await refusal("a wrong token", 401, 20003, () => strangers.list());
}

main();
