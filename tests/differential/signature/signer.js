// Signs and validates with the `twilio` package of npm: one task per line of JSON, one answer.
"use strict";
const { createRequire } = require("module");
const readline = require("readline");
const twilio = createRequire(process.cwd() + "/")("twilio/lib/webhooks/webhooks");

// As body-parser and `querystring` hand a form over: an array where a name is repeated.
function form(pairs) {
  const params = Object.create(null);
  for (const [name, value] of pairs) {
    params[name] = name in params ? [].concat(params[name], value) : value;
  }
  return params;
}

function answer(task) {
  const params = form(task.params);
  if (task.do === "hash") return twilio.getExpectedBodyHash(task.body);
  if (task.do === "sign") return twilio.getExpectedTwilioSignature(task.token, task.url, params);
  return twilio.validateRequest(task.token, task.signature, task.url, params);
}

readline
  .createInterface({ input: process.stdin })
  .on("line", (line) => console.log(JSON.stringify(answer(JSON.parse(line)))));
