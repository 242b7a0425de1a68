// A shop's hotline and its SMS responder, as one writes them with Express and the official package.
// Every webhook is validated by that package. Prints its port, and then a line for each status.

const express = require("express");
const twilio = require("twilio");

const { VoiceResponse, MessagingResponse } = twilio.twiml;
const app = express();
app.use(express.urlencoded({ extended: false }));
app.use(twilio.webhook({ validate: true }, process.env.TWILIO_AUTH_TOKEN));

const answer = (response, twiml) => response.type("text/xml").send(twiml.toString());

app.post("/voice", (request, response) => {
  const twiml = new VoiceResponse();
  const gather = twiml.gather({ numDigits: 1, action: "/menu", timeout: 4 });
  gather.say("Welcome to the shop. For opening hours press 1, for your order press 2,");
  gather.say("for an agent press 3.");
  twiml.say("We did not hear you.");
  twiml.redirect("/voice?again=yes");
  answer(response, twiml);
});

app.post("/menu", (request, response) => {
  const twiml = new VoiceResponse();
  switch (request.body.Digits) {
    case "1":
      twiml.say({ language: "de-DE", voice: "Polly.Vicki" }, "Wir öffnen um neun.");
      twiml.pause({ length: 2 });
      twiml.play("/sounds/goodbye.mp3");
      break;
    case "2": {
      const order = twiml.gather({ input: ["dtmf", "speech"], finishOnKey: "#", action: "/order" });
      order.say("Type the number of your order and then hash, or say it.");
      twiml.say("No order, then.");
      break;
    }
    case "3":
      twiml.dial({ action: "/dialled", callerId: request.body.To }, "+15550111");
      break;
    default:
      twiml.say(`There is no ${request.body.Digits} here.`);
      twiml.redirect("/voice");
  }
  answer(response, twiml);
});

app.post("/order", (request, response) => {
  const twiml = new VoiceResponse();
  const order = request.body.Digits || request.body.SpeechResult;
  twiml.say(`Order ${order} is on its way to ${request.body.From}.`);
  twiml.hangup();
  answer(response, twiml);
});

app.post("/dialled", (request, response) => {
  const twiml = new VoiceResponse();
  if (request.body.DialCallStatus === "completed") {
    twiml.say("That was a pleasure.");
  } else {
    twiml.say(`The agent is ${request.body.DialCallStatus}. Leave a message.`);
    twiml.record({ action: "/recorded", maxLength: 20, finishOnKey: "#" });
  }
  answer(response, twiml);
});

app.post("/recorded", (request, response) => {
  const twiml = new VoiceResponse();
  twiml.say(`Kept, ${request.body.RecordingDuration} seconds.`);
  answer(response, twiml);
});

app.post("/sms", (request, response) => {
  const twiml = new MessagingResponse();
  const before = /count=(\d+)/.exec(request.headers.cookie || "");
  const count = before ? Number(before[1]) + 1 : 1;
  response.set("Set-Cookie", `count=${count}; Path=/`);
  const body = request.body.Body.trim();
  if (/^cat$/i.test(body)) {
    const message = twiml.message("Here it is:");
    message.media("https://example.com/cat.png");
  } else if (/^stop$/i.test(body)) {
    return answer(response, twiml);
  } else if (Number(request.body.NumMedia) > 0) {
    twiml.message(`A nice ${request.body.MediaContentType0}.`);
  } else {
    twiml.message(`${count}: you wrote "${body}" <3`);
    twiml.message("Write cat for a cat.");
  }
  answer(response, twiml);
});

app.post("/broken", (request, response) => {
  throw new Error("on purpose");
});

app.post("/status", (request, response) => {
  console.log(`status ${request.body.CallStatus}`);
  response.status(204).end();
});

app.use((error, request, response, next) => response.status(500).send("Oops"));

const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
