// An Express application as one writes it: it validates each webhook by the official package, and
// knows nothing of a prefix. Prints its port, and the path of each request that was let in.

const express = require("express");
const twilio = require("twilio");

const { VoiceResponse, MessagingResponse } = twilio.twiml;
const app = express();
app.set("trust proxy", "loopback");
app.use(express.static("public"));
app.use(express.urlencoded({ extended: false }));
app.use(twilio.webhook({ validate: true }, process.env.TWILIO_AUTH_TOKEN));
app.use((request, response, next) => {
  console.log(`${request.method} ${request.originalUrl.split("?")[0]}`);
  next();
});

const answer = (response, twiml) => response.type("text/xml").send(twiml.toString());

app.all("/voice", (request, response) => {
  const twiml = new VoiceResponse();
  const visits = Number((request.get("cookie") || "visits=0").split("visits=")[1]) + 1;
  response.cookie("visits", visits, { path: "/" });
  const gather = twiml.gather({ numDigits: 1, action: "/menu" });
  gather.play("/hello.mp3");
  gather.say(`Visit ${visits}. Press 1.`);
  twiml.redirect("/voice?again=yes");
  answer(response, twiml);
});

app.post("/menu", (request, response) => {
  if (request.body.Digits === "2") return response.redirect("/order?a=b%20c");
  if (request.body.Digits === "3") throw new Error("a bug");
  const twiml = new VoiceResponse();
  twiml.say(`You pressed ${request.body.Digits}.`);
  answer(response, twiml);
});

app.get("/order", (request, response) => {
  const twiml = new VoiceResponse();
  twiml.say(`Order ${request.query.a}.`);
  answer(response, twiml);
});

app.post("/sms", (request, response) => {
  const twiml = new MessagingResponse();
  twiml.message(`You wrote: ${request.body.Body}`);
  answer(response, twiml);
});

const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
